import { generatorFor } from "../tensor/random.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import type { DrawOptions } from "./noise_model.ts";
import { requireImageSize, requireItems } from "./image_size.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link Inpainting}. */
export interface InpaintingOptions extends PhysicsOptions, TensorOptions {
  /** (C, H, W) of the images. */
  imgSize: readonly number[];
  /**
   * What is seen of each value, usually 0 or 1: a tensor that broadcasts to (B, C, H, W), or the probability with which a
   * pixel is kept. The operator keeps using a tensor: dispose it after the operator's last use.
   */
  mask: Tensor | number;
  /** Whether a random mask keeps or drops all channels of a pixel together; default true. */
  pixelwise?: boolean;
  /** Of a random mask; default 0. */
  seed?: number;
}

/**
 * Sees some of the image's values: y = mask x, pixel by pixel. Measurement noise is masked too.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, Inpainting, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = deadLeaves({ size: 64, seed: 1 });
 * const half = new Inpainting({ imgSize: [3, 64, 64], mask: 0.5, seed: 1 }); // whole pixels, at random
 * assert.ok(Math.abs(await half.mask.mean().item() - 0.5) < 0.02);
 * const y = await half.A(x);
 * assert.deepEqual(await (await half.A_dagger(y)).data(), await y.data()); // zeros stay where nothing is known
 *
 * const stripe = Tensor.cat([Tensor.ones([64, 32]), Tensor.zeros([64, 32])], 1); // a mask of one's own
 * half.update({ mask: stripe });
 * assert.equal(await (await half.A(x)).slice([null, null, null, [32, 64]]).abs().max().item(), 0);
 * ```
 */
export class Inpainting extends DecomposablePhysics {
  readonly #imgSize: readonly number[];
  #mask: Tensor;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when imgSize is not (C, H, W), and when the mask does not broadcast to such images or is a
   * number outside [0, 1]
   */
  constructor(options: InpaintingOptions) {
    super(options);
    requireImageSize("build Inpainting", options.imgSize);
    this.#imgSize = options.imgSize;
    this.#mask = typeof options.mask === "number"
      ? randomMask(options, options.mask)
      : fittingMask(options.mask, options.imgSize);
  }

  /** What is seen of each value, of a shape that broadcasts to (B, C, H, W). */
  get mask(): Tensor {
    return this.#mask;
  }

  /** `mask`, a tensor. */
  protected override setters(): Setters {
    return { mask: (value) => this.#mask = fittingMask(value as Tensor, this.#imgSize) };
  }

  /** The singular values, of a shape that broadcasts against the spectrum. */
  protected override singularValues(): Tensor {
    return this.mask;
  }

  /** x, of `imgSize`. */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    requireItems("apply Inpainting", "the image", x, this.#imgSize);
    return await super.V_adjoint(x);
  }

  /** y, of `imgSize`. */
  protected override async U_adjoint(y: Tensor): Promise<Tensor> {
    requireItems("apply Inpainting", "y", y, this.#imgSize);
    return await super.U_adjoint(y);
  }

  /** mask noise(clean) */
  protected override async addNoise(clean: Tensor, draw: DrawOptions): Promise<Tensor> {
    using noisy = await super.addNoise(clean, draw);
    return noisy.mul(this.mask);
  }
}

function fittingMask(mask: Tensor, imgSize: readonly number[]): Tensor {
  if (!(mask instanceof Tensor)) {
    throw new InvalidArgumentError("build Inpainting", "mask", "a tensor or a probability", String(mask));
  }
  const trailing = mask.shape.slice(-imgSize.length);
  const fits = trailing.every((extent, d) => {
    const own = imgSize[d - trailing.length + imgSize.length];
    return extent === 1 || extent === own;
  });
  if (!fits || mask.shape.length > imgSize.length + 1) {
    throw new InvalidArgumentError(
      "build Inpainting",
      "mask",
      `of a shape that broadcasts to (B, ${imgSize.join(", ")})`,
      formatShape(mask.shape),
    );
  }
  return mask;
}

/** Bernoulli(p) by pixel, or by value. */
function randomMask({ imgSize, pixelwise = true, seed = 0, device }: InpaintingOptions, p: number): Tensor {
  if (!(p >= 0 && p <= 1)) {
    throw new InvalidArgumentError("build Inpainting", "mask", "a probability in [0, 1]", String(p));
  }
  const shape = [1, pixelwise ? 1 : imgSize[0], ...imgSize.slice(1)];
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  generatorFor(seed).fillUniform(values);
  return Tensor.from(values.map((value) => (value < p ? 1 : 0)), shape, { device });
}
