import type { SplittingState, StepParameters } from "./run_types.ts";
import { TwoImageSplitting } from "./splitting.ts";

/**
 * Douglas-Rachford splitting (Lions and Mercier, 1979): u = prox_{tau f}(z), x <- prox_{lambda tau g}(2 u - z),
 * z <- z + beta (x - u); with `gFirst` the two proximal operators change places.
 *
 * @example Outliers removed: neither the L1 fidelity nor the total variation has a gradient
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, DRS, L1, openDevice } from "@deepinv/distributed";
 * import { setDefaultDevice, sheppLogan, Tensor, TVPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const clean = sheppLogan(32);
 * const outliers = Tensor.randn(clean.shape, { seed: 1 }).greater(1.5); // 7 % of the pixels
 * const y = Tensor.where(outliers, 1, clean);
 * const prior = new TVPrior({ nItMax: 10 });
 * const algorithm = new DRS({ dataFidelity: new L1(), prior, lambda: 0.6, stepsize: 1, maxIter: 6 });
 * const { metrics: { psnr: [psnr] } } = await algorithm.run(y, new Denoising(), { xGt: clean });
 * assert(psnr[6] > psnr[0] + 3); // dB, at the start and after every iteration
 * ```
 */
export class DRS extends TwoImageSplitting {
  /** One iteration: u, x, z. */
  protected override async step(
    state: SplittingState,
    parameters: StepParameters,
  ): Promise<SplittingState> {
    using u = await this.firstProx(state.z, parameters);
    using twice = u.mul(2);
    using reflected = twice.sub(state.z);
    const x = await this.secondProx(reflected, parameters);
    using gap = x.sub(u);
    return { x, z: state.z.addScaled(gap, parameters.beta) };
  }
}
