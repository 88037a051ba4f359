import { owned, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { gradientProx } from "./gradient_prox.ts";

/**
 * What is known of images beforehand. The second argument of every method is the prior's own parameter (a denoiser's
 * noise level), which the optimiser hands through.
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
