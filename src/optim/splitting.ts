import { owned } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import type { OptimState, SplittingState, StepParameters } from "./run_types.ts";

/**
 * Algorithms that treat the fidelity f and the prior g in turn. The first turn is f's, or g's with `gFirst`; tau is the
 * stepsize.
 *
 * @example An algorithm of one's own: the mean of both proximal operators
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, IndicatorL2, openDevice, setDefaultDevice } from "@deepinv/distributed";
 * import { Splitting, type StepParameters, Tensor, Tikhonov } from "@deepinv/distributed";
 *
 * type State = { readonly x: Tensor };
 * class ParallelProximal extends Splitting<State> {
 *   protected override begin = (x: Tensor) => Promise.resolve({ x });
 *   protected override async step({ x }: State, parameters: StepParameters): Promise<State> {
 *     using data = await this.firstProx(x, parameters);
 *     using regular = await this.secondProx(x, parameters);
 *     using sum = data.add(regular);
 *     return { x: sum.mul(0.5) };
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.full([1, 1, 2, 2], 5); // ||y|| = 10
 * const dataFidelity = new IndicatorL2({ radius: 4 });
 * const algorithm = new ParallelProximal({ dataFidelity, prior: new Tikhonov(), maxIter: 60 });
 * const { x } = await algorithm.run(y, new Denoising());
 * assert(Math.abs(await x.norm().item() - 4) < 1e-3); // (6 + 4 / 2) / 2: between the ball, which starts at 6, and 0
 * ```
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

/**
 * Splittings with a second image z beside x, which starts as the first image, as in deepinv.
 *
 * @example An algorithm of one's own: Peaceman-Rachford, whose reflections are not averaged
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L2, openDevice, setDefaultDevice, type SplittingState } from "@deepinv/distributed";
 * import { type StepParameters, Tensor, Tikhonov, TwoImageSplitting } from "@deepinv/distributed";
 *
 * class PeacemanRachford extends TwoImageSplitting {
 *   protected override async step({ z }: SplittingState, parameters: StepParameters): Promise<SplittingState> {
 *     using u = await this.firstProx(z, parameters);
 *     using reflected = u.mul(2).sub(z);
 *     const x = await this.secondProx(reflected, parameters);
 *     return { x, z: z.add(x.sub(u).mul(2)) };
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.ones([1, 1, 4, 4]);
 * const algorithm = new PeacemanRachford({ dataFidelity: new L2(), prior: new Tikhonov(), lambda: 3, maxIter: 40 });
 * const { x } = await algorithm.run(y, new Denoising());
 * assert(Math.abs(await x.mean().item() - 1 / (1 + 3)) < 1e-5); // argmin ||x - y||^2 / 2 + 3 ||x||^2 / 2
 * ```
 */
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
