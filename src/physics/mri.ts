import { fftCentred, ifftCentred } from "../tensor/fft.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import type { DrawOptions } from "./noise_model.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link MRI}. */
export interface MRIOptions extends PhysicsOptions {
  /**
   * Which samples of k-space are measured, usually 0 or 1: (H, W), (1|2, H, W) or (1|B, 1|2, H, W), with one more spatial
   * dimension for volumes. The operator keeps using it: dispose it after the operator's last use.
   */
  mask: Tensor;
  /** Whether images are volumes (B, 2, D, H, W); default false. */
  threeD?: boolean;
}

/** Options of {@link MRI.A_adjoint}. */
export interface MRIAdjointOptions {
  /** Gives the magnitude (B, 1, ...) instead of real and imaginary part; default false. */
  mag?: boolean;
}

/**
 * Single-coil magnetic resonance imaging: y = mask F x, F the centred unitary Fourier transform of images (B, 2, H, W)
 * whose channels are real and imaginary part. Measurement noise is masked too. Exact proximal operator and
 * pseudo-inverse.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   MRI,
 *   openDevice,
 *   RandomMaskGenerator,
 *   setDefaultDevice,
 *   sheppLogan,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const { mask } = new RandomMaskGenerator({ imgSize: [32, 32], acceleration: 4 }).step({ seed: 1 });
 * const scan = new MRI({ mask });
 * const image = sheppLogan(32);
 * const x = Tensor.cat([image, Tensor.zeros(image.shape)], 1); // (1, 2, 32, 32): real and imaginary part
 * const y = await scan.A(x); // k-space, zeros where it is not measured
 * const lines = await y.abs().sum([0, 1, 2]).greater(0).sum().item();
 * assert.equal(lines, 8); // a quarter
 * const zeroFilled = await scan.A_adjoint(y, { mag: true });
 * assert.deepEqual(zeroFilled.shape, [1, 1, 32, 32]);
 * // F is unitary: what is measured has the energy of the image that it gives.
 * const [seen, measured] = [await zeroFilled.norm().item(), await y.norm().item()];
 * assert.ok(Math.abs(seen - measured) < 1e-4 * measured);
 * ```
 */
export class MRI extends DecomposablePhysics {
  #mask: Tensor;
  readonly #dims: readonly number[];

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when the mask has another number of dimensions
   */
  constructor(options: MRIOptions) {
    super(options);
    const { mask, threeD = false } = options;
    this.#dims = threeD ? [-3, -2, -1] : [-2, -1];
    this.#mask = asKSpaceMask("build MRI", mask, this.#dims.length);
  }

  /** The mask, of a shape that broadcasts against k-space (B, 2, H, W). */
  get mask(): Tensor {
    return this.#mask;
  }

  /** `mask`. */
  protected override setters(): Setters {
    return {
      mask: (value) => this.#mask = asKSpaceMask("update MRI", value as Tensor, this.#dims.length),
    };
  }

  /**
   * F^-1 mask y
   *
   * @param y k-space (B, 2, H, W), of volumes (B, 2, D, H, W)
   * @param options.mag gives magnitudes (B, 1, ...)
   * @returns of y's shape, with `mag` one channel
   * @throws {InvalidArgumentError} for another size than the mask's
   */
  override async A_adjoint(y: Tensor, options: MRIAdjointOptions = {}): Promise<Tensor> {
    const image = await super.A_adjoint(y);
    if (!options.mag) return image;
    using own = image;
    return own.norm(1, { keepDims: true });
  }

  /** mask noise(clean) */
  protected override async addNoise(clean: Tensor, draw: DrawOptions): Promise<Tensor> {
    using noisy = await super.addNoise(clean, draw);
    return noisy.mul(this.mask);
  }

  /** The mask. */
  protected override singularValues(): Tensor {
    return this.mask;
  }

  /** F x */
  protected override V_adjoint(x: Tensor): Promise<Tensor> {
    const expected = this.mask.shape.slice(2);
    if (
      x.shape.length !== expected.length + 2 || x.shape[1] !== 2 ||
      formatShape(x.shape.slice(2)) !== formatShape(expected)
    ) {
      return Promise.reject(
        new InvalidArgumentError(
          "apply MRI",
          "the image",
          `of shape (B, 2, ${expected.join(", ")})`,
          formatShape(x.shape),
        ),
      );
    }
    return Promise.resolve(fftCentred(x, this.#dims));
  }

  /** F^-1 u */
  protected override V(u: Tensor): Promise<Tensor> {
    return Promise.resolve(ifftCentred(u, this.#dims));
  }
}

/**
 * A mask as (1|B, 1|2, ...spatial).
 *
 * @throws {InvalidArgumentError} when its number of dimensions or of channels does not fit
 */
export function asKSpaceMask(action: string, mask: Tensor, spatialDims: number): Tensor {
  if (!(mask instanceof Tensor)) throw new InvalidArgumentError(action, "mask", "a tensor", String(mask));
  const missing = spatialDims + 2 - mask.shape.length;
  const channels = mask.shape.at(-spatialDims - 1) ?? 1;
  if (missing < 0 || missing > 2 || (missing < 2 && channels !== 1 && channels !== 2)) {
    const spatial = spatialDims === 3 ? "D, H, W" : "H, W";
    throw new InvalidArgumentError(
      action,
      "mask",
      `(${spatial}), (1|2, ${spatial}) or (1|B, 1|2, ${spatial})`,
      formatShape(mask.shape),
    );
  }
  return mask.reshape([...new Array<number>(missing).fill(1), ...mask.shape]);
}
