import { generatorFor } from "../tensor/random.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Luma weights of ITU-R BT.601, to the digits that deepinv keeps. */
const REC601 = [0.4472, 0.8781, 0.1706].map((weight) => 0.66851 * weight);

/** Options of {@link Decolorize}. */
export interface DecolorizeOptions extends PhysicsOptions, TensorOptions {
  /**
   * The spectral response, one weight per channel: `"rec601"` (default; three channels), `"flat"` (1 / C), `"random"`
   * (uniform, normalised to sum 1), or the weights themselves.
   */
  srf?: "rec601" | "flat" | "random" | readonly number[];
  /** Channels of the images; default 3, or as many as there are weights. */
  channels?: number;
  /** Of random weights; default 0. */
  seed?: number;
  /**
   * Computes `prox_l2` as deepinv 0.4.1 does, for comparisons number by number: without the part of z that is orthogonal to
   * the weights, which a gray image says nothing of. Default false.
   */
  deepinvCompat?: boolean;
}

/**
 * One gray image from several channels: y = sum_c srf_c x_c, images (B, C, H, W) to (B, 1, H, W). With w = srf / ||srf||
 * the decomposition is U = I, s = ||srf||, V^T x = sum_c w_c x_c: proximal operator and pseudo-inverse are exact.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, Decolorize, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = deadLeaves({ size: 16, seed: 1 }); // (1, 3, 16, 16)
 * const flat = new Decolorize({ srf: "flat" });
 * const y = await flat.A(x);
 * assert.ok(await y.sub(x.mean(1, { keepDims: true })).abs().max().item() < 1e-6);
 * assert.deepEqual((await flat.A_dagger(y)).shape, [1, 3, 16, 16]); // exact: the gray image in all channels
 *
 * const luma = new Decolorize(); // ITU-R BT.601
 * assert.deepEqual(luma.srf.map((weight) => weight.toFixed(3)), ["0.299", "0.587", "0.114"]);
 * ```
 */
export class Decolorize extends DecomposablePhysics {
  /** Only for one channel, or where deepinv's mistake is wanted. */
  protected override readonly hasSquareV: boolean;
  #srf: readonly number[];
  #norm: Tensor;
  #direction: Tensor;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} for unknown or non-finite weights, or a number of channels that does not fit them
   */
  constructor(options: DecolorizeOptions = {}) {
    super(options);
    this.#srf = weightsOf(options);
    [this.#norm, this.#direction] = decomposed(this.#srf, options);
    this.hasSquareV = this.#srf.length === 1 || (options.deepinvCompat ?? false);
  }

  /** The weight of each channel. */
  get srf(): readonly number[] {
    return this.#srf;
  }

  /** `srf`, for as many channels. */
  protected override setters(): Setters {
    return {
      srf: (value) => {
        const srf = value as DecolorizeOptions["srf"];
        this.#srf = weightsOf({ srf, channels: this.#srf.length });
        [this.#norm, this.#direction] = decomposed(this.#srf, this.#norm);
      },
    };
  }

  /** The singular values, of a shape that broadcasts against the spectrum. */
  protected override singularValues(): Tensor {
    return this.#norm;
  }

  /** sum_c w_c x_c */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    if (x.shape.length !== 4 || x.shape[1] !== this.srf.length) {
      throw new InvalidArgumentError(
        "apply Decolorize",
        "x",
        `of shape (B, ${this.srf.length}, H, W)`,
        formatShape(x.shape),
      );
    }
    using weighted = x.mul(this.#direction);
    return await Promise.resolve(weighted.sum(1, { keepDims: true }));
  }

  /** w_c u for every channel */
  protected override async V(u: Tensor): Promise<Tensor> {
    if (u.shape.length !== 4 || u.shape[1] !== 1) {
      throw new InvalidArgumentError("apply Decolorize", "y", "of shape (B, 1, H, W)", formatShape(u.shape));
    }
    return await Promise.resolve(u.mul(this.#direction));
  }
}

/** ||srf||, and srf / ||srf|| (1, C, 1, 1). */
function decomposed(srf: readonly number[], options: TensorOptions): [norm: Tensor, direction: Tensor] {
  const norm = Math.hypot(...srf);
  const direction = srf.map((weight) => (norm > 0 ? weight / norm : 0));
  return [Tensor.full([1], norm, options), Tensor.from(direction, [1, srf.length, 1, 1], options)];
}

function weightsOf({ srf = "rec601", channels, seed = 0 }: DecolorizeOptions): readonly number[] {
  const count = channels ?? (typeof srf === "string" ? 3 : srf.length);
  const weights = srf === "rec601"
    ? REC601
    : srf === "flat"
    ? new Array<number>(count).fill(1 / count)
    : srf === "random"
    ? randomWeights(count, seed)
    : srf;
  if (
    typeof weights === "string" || weights.length !== count || count < 1 || !weights.every(Number.isFinite)
  ) {
    throw new InvalidArgumentError(
      "build Decolorize",
      "srf",
      `"rec601", "flat", "random" or ${count} finite weights`,
      String(srf),
    );
  }
  return weights;
}

function randomWeights(count: number, seed: number): number[] {
  const values = new Float32Array(count);
  generatorFor(seed).fillUniform(values);
  const total = values.reduce((sum, value) => sum + value, 0);
  return [...values].map((value) => value / total);
}
