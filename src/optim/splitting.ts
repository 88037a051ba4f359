import { owned } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import type { OptimState, SplittingState, StepParameters } from "./run_types.ts";

/**
 * Algorithms that treat the fidelity f and the prior g in turn. The first turn is f's, or g's with `gFirst`; tau is the
 * stepsize.
 */
export abstract class Splitting<State extends OptimState = OptimState> extends BaseOptim<State> {
  /** prox_{tau f}(v), or with `gFirst` prox_{lambda tau g}(v). */
  protected async firstProx(v: Tensor, parameters: StepParameters): Promise<Tensor> {
    return await (this.gFirst ? this.#proxPrior(v, parameters) : this.#proxData(v, parameters));
  }

  /** prox_{lambda tau g}(v), or with `gFirst` prox_{tau f}(v). */
  protected async secondProx(v: Tensor, parameters: StepParameters): Promise<Tensor> {
    return await (this.gFirst ? this.#proxData(v, parameters) : this.#proxPrior(v, parameters));
  }

  /** secondProx(v - tau grad f(v)), or with `gFirst` secondProx(v - lambda tau grad g(v)). */
  protected async forwardBackward(v: Tensor, parameters: StepParameters): Promise<Tensor> {
    const { y, physics, dataFidelity, prior, stepsize, lambda, sigma } = parameters;
    using gradient = owned(
      await (this.gFirst ? prior.grad(v, sigma) : dataFidelity.grad(v, y, physics)),
      v,
    );
    using z = v.addScaled(gradient, this.gFirst ? -lambda * stepsize : -stepsize);
    return await this.secondProx(z, parameters);
  }

  async #proxData(v: Tensor, { y, physics, dataFidelity, stepsize }: StepParameters): Promise<Tensor> {
    return owned(await dataFidelity.prox(v, y, physics, stepsize), v);
  }

  async #proxPrior(v: Tensor, { prior, stepsize, lambda, sigma }: StepParameters): Promise<Tensor> {
    return owned(await prior.prox(v, sigma, lambda * stepsize), v);
  }
}

/** Splittings with a second image z beside x, which starts as the first image, as in deepinv. */
export abstract class TwoImageSplitting extends Splitting<SplittingState> {
  /** z = x */
  protected override async begin(x: Tensor): Promise<SplittingState> {
    return await Promise.resolve({ x, z: x.clone() });
  }
}

/** beta next + (1 - beta) x; takes `next` over. */
export function relax(next: Tensor, x: Tensor, beta: number): Tensor {
  if (beta === 1) return next;
  using unrelaxed = next;
  using share = unrelaxed.mul(beta);
  return share.addScaled(x, 1 - beta);
}
