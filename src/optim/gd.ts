import { owned } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import type { OptimState, StepParameters } from "./run_types.ts";

/** Gradient descent: x <- x - tau (grad f(x) + lambda grad g(x)). */
export class GD extends BaseOptim {
  /** The image alone. */
  protected override async begin(x: Tensor): Promise<OptimState> {
    return await Promise.resolve({ x });
  }

  /** One iteration. */
  protected override async step({ x }: OptimState, parameters: StepParameters): Promise<OptimState> {
    const { y, physics, dataFidelity, prior, stepsize, lambda, sigma } = parameters;
    using data = owned(await dataFidelity.grad(x, y, physics), x);
    using regularity = owned(await prior.grad(x, sigma), x);
    using gradient = data.addScaled(regularity, lambda);
    return { x: x.addScaled(gradient, -stepsize) };
  }
}
