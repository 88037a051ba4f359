import { owned } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import type { OptimState, StepParameters } from "./run_types.ts";

/**
 * Gradient descent: x <- x - tau (grad f(x) + lambda grad g(x)).
 *
 * @example Deblurring, with a stepsize that is found by itself
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, GD, L2, openDevice, setDefaultDevice, sheppLogan, Tikhonov } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const image = sheppLogan(32);
 * const y = await blur.A(image);
 * const algorithm = new GD({
 *   dataFidelity: new L2(),
 *   prior: new Tikhonov(),
 *   lambda: 1e-3,
 *   stepsize: 8, // too large, so that steps are refused and it is halved
 *   backtracking: { eta: 0.5 },
 *   maxIter: 40,
 * });
 * const { metrics: { cost: [cost], psnr: [psnr] } } = await algorithm.run(y, blur, { xGt: image });
 * assert(cost.every((value, k) => k === 0 || value < cost[k - 1]));
 * assert(psnr.at(-1)! > psnr[0] + 2);
 * ```
 */
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
