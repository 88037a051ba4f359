import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import type { StepParameters } from "./run_types.ts";

/**
 * Proximal gradient descent (forward-backward splitting, Combettes and Wajs, 2005):
 * z = x - tau grad f(x), x <- prox_{lambda tau g}(z), relaxed by beta. With `gFirst` the roles are swapped:
 * z = x - lambda tau grad g(x), x <- prox_{tau f}(z).
 *
 * @example
 * ```ts
 * import { Blur, gaussianBlur, L2, openDevice, PGD, PnP, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const y = await blur.A(Tensor.full([1, 1, 32, 32], 0.5));
 * const denoiser = { forward: (x: Tensor) => Promise.resolve(x.clamp(0, 1)) };
 * const algorithm = new PGD({ dataFidelity: new L2(), prior: new PnP({ denoiser }), sigmaDenoiser: 0.05, maxIter: 5 });
 * const { x } = await algorithm.run(y, blur);
 * console.log(x.shape); // [ 1, 1, 32, 32 ]
 * ```
 */
export class PGD extends BaseOptim {
  /** One iteration: z, then x. */
  protected override async step(
    x: Tensor,
    y: Signal,
    physics: Physics,
    parameters: StepParameters,
  ): Promise<Tensor> {
    const { beta } = parameters;
    const next = this.gFirst
      ? await this.#priorThenData(x, y, physics, parameters)
      : await this.#dataThenPrior(x, y, physics, parameters);
    if (beta === 1) return next;
    using unrelaxed = next;
    using share = unrelaxed.mul(beta);
    return share.addScaled(x, 1 - beta);
  }

  async #dataThenPrior(x: Tensor, y: Signal, physics: Physics, parameters: StepParameters): Promise<Tensor> {
    const { stepsize, lambda, sigma } = parameters;
    using gradient = owned(await this.dataFidelity.grad(x, y, physics), x);
    using z = x.addScaled(gradient, -stepsize);
    return owned(await this.prior.prox(z, sigma, lambda * stepsize), z);
  }

  async #priorThenData(x: Tensor, y: Signal, physics: Physics, parameters: StepParameters): Promise<Tensor> {
    const { stepsize, lambda, sigma } = parameters;
    using gradient = owned(await this.prior.grad(x, sigma), x);
    using z = x.addScaled(gradient, -lambda * stepsize);
    return owned(await this.dataFidelity.prox(z, y, physics, stepsize), z);
  }
}
