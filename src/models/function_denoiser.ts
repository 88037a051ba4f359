import { owned } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";

/** Denoises images x (B, C, H, W) at a noise level: a number, one value per item (B,), or a map (B, 1, H, W). */
export type DenoisingFunction = (x: Tensor, sigma: number | Tensor) => Tensor | Promise<Tensor>;

/**
 * A denoiser from any function. What the function returns belongs to the caller; it leaves x alone, or returns it.
 *
 * @example Any function as a denoiser, local or distributed
 * ```ts
 * import assert from "node:assert/strict";
 * import { FunctionDenoiser, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const denoiser = new FunctionDenoiser((x, sigma) => x.mul(typeof sigma === "number" ? 1 - sigma : 1));
 * using clean = await denoiser.forward(Tensor.ones([1, 1, 1, 2]), 0.25);
 * assert.deepEqual([...await clean.data()], [0.75, 0.75]);
 * ```
 */
export class FunctionDenoiser extends Denoiser {
  readonly #denoise: DenoisingFunction;

  /**
   * Wraps a function.
   *
   * @throws {InvalidArgumentError} when it is none
   */
  constructor(denoise: DenoisingFunction) {
    super();
    if (typeof denoise !== "function") {
      throw new InvalidArgumentError("build FunctionDenoiser", "denoise", "a function", typeof denoise);
    }
    this.#denoise = denoise;
  }

  /**
   * What the function gives.
   *
   * @throws {InvalidArgumentError} when that is no tensor
   */
  override async forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    const result = await this.#denoise(x, sigma);
    if (!(result instanceof Tensor)) {
      throw new InvalidArgumentError("denoise", "the function's result", "a Tensor", typeof result);
    }
    return owned(result, x);
  }
}
