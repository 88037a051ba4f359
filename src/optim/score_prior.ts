import type { Tensor } from "../tensor/tensor.ts";
import { RED } from "./red.ts";

/** The least variance that is divided by. */
const LEAST_VARIANCE = 1e-7;

/**
 * The negative log-density of images smoothed by noise, whose gradient a denoiser gives (Tweedie's formula):
 * grad g(x) = (x - D(x, sigma)) / sigma^2.
 *
 * @example The score of a distribution whose best denoiser is known
 * ```ts
 * import assert from "node:assert/strict";
 * import { FunctionDenoiser, openDevice, ScorePrior, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * // Images of independent values N(0, 4): the posterior mean at noise level sigma is 4 x / (4 + sigma^2).
 * const denoiser = new FunctionDenoiser((x, sigma) => x.mul(4 / (4 + Number(sigma) ** 2)));
 * const prior = new ScorePrior({ denoiser });
 * using score = await prior.score(Tensor.full([1, 1, 2, 2], 10), 1);
 * assert((await score.data()).every((value) => Math.abs(value + 10 / (4 + 1)) < 1e-5)); // that of N(0, 4 + sigma^2)
 * ```
 */
export class ScorePrior extends RED {
  /**
   * (x - D(x, sigma)) / max(sigma^2, 1e-7)
   *
   * @throws {InvalidArgumentError} without a noise level (the optimiser's `sigmaDenoiser`)
   */
  override async grad(x: Tensor, sigma?: number): Promise<Tensor> {
    using residual = await super.grad(x, sigma);
    return residual.mul(1 / Math.max((sigma ?? 0) ** 2, LEAST_VARIANCE));
  }

  /** The score itself, which points towards likelier images: -grad g(x). */
  async score(x: Tensor, sigma: number): Promise<Tensor> {
    using gradient = await this.grad(x, sigma);
    return gradient.neg();
  }
}
