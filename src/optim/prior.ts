import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";

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

  /** argmin_z gamma fn(z) + ||z - x||^2 / 2, of x's shape. */
  prox(_x: Tensor, _sigma: number | undefined, _gamma: number): Promise<Tensor> {
    return Promise.reject(this.#lacks("prox"));
  }

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
