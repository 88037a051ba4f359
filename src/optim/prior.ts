import { owned, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { gradientProx } from "./gradient_prox.ts";

/**
 * What is known of images beforehand. The second argument of every method is the prior's own parameter (a denoiser's
 * noise level), which the optimiser hands through.
 *
 * @example A prior of one's own: smooth images
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, GD, L2, nabla, nablaAdjoint } from "@deepinv/distributed";
 * import { openDevice, Prior, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * // g(x) = ||nabla x||^2 / 2
 * class Smooth extends Prior {
 *   override readonly explicitPrior = true; // it has `fn`, so that runs report their cost
 *   override async fn(x: Tensor): Promise<Tensor> {
 *     using slopes = nabla(x);
 *     return await Promise.resolve(slopes.square().sum([1, 2, 3, 4]).mul(0.5));
 *   }
 *   override async grad(x: Tensor): Promise<Tensor> {
 *     using slopes = nabla(x);
 *     return await Promise.resolve(nablaAdjoint(slopes));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const algorithm = new GD({ dataFidelity: new L2(), prior: new Smooth(), stepsize: 0.2, maxIter: 20 });
 * const { metrics: { cost: [cost] } } = await algorithm.run(y, new Denoising());
 * assert(cost.every((value, k) => k === 0 || value <= cost[k - 1]));
 * ```
 */
export abstract class Prior {
  /** Whether `fn` exists, so that an algorithm has a cost to report. */
  readonly explicitPrior: boolean = false;

  /** The prior's value, shape (B,). */
  fn(_x: Tensor, _sigma?: number): Promise<Tensor> {
    return Promise.reject(this.#lacks("fn"));
  }

  /** The gradient of `fn`, of x's shape. */
  grad(_x: Tensor, _sigma?: number): Promise<Tensor> {
    return Promise.reject(this.#lacks("grad"));
  }

  /**
   * argmin_z gamma fn(z) + ||z - x||^2 / 2, of x's shape. Where a prior has none of its own, by at most 50 steps of
   * gradient descent, which converge for a small gamma.
   */
  async prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
    return await gradientProx(x, gamma, (z) => this.grad(z, sigma));
  }

  /** prox_{gamma (lamb fn)*}(x) = x - gamma prox_{lamb / gamma fn}(x / gamma), by Moreau's identity. */
  async proxConjugate(x: Tensor, sigma: number | undefined, gamma: number, lamb = 1): Promise<Tensor> {
    using scaled = x.mul(1 / gamma);
    using near = owned(await this.prox(scaled, sigma, lamb / gamma), scaled);
    return x.addScaled(near, -gamma);
  }

  /** What later calls of a run depend on, such as a warm start, by name. The tensors stay the prior's. */
  memory(): ReadonlyMap<string, Signal> {
    return new Map();
  }

  /** Takes up copies of what {@link memory} gave in a run that is resumed. */
  restore(_memory: ReadonlyMap<string, Signal>): void {}

  /** Forgets what earlier calls left for later ones; called at the start and at the end of every run. */
  reset(): void {}

  #lacks(method: string): InvalidArgumentError {
    return new InvalidArgumentError(
      "run this algorithm",
      "the prior",
      `one with ${method}`,
      `${this.constructor.name}, which has none`,
    );
  }
}
