import type { SplittingState, StepParameters } from "./run_types.ts";
import { TwoImageSplitting } from "./splitting.ts";

/**
 * The alternating direction method of multipliers (Boyd et al., 2011):
 * u = prox_{tau f}(x - z), x <- prox_{lambda tau g}(u + z), z <- z + beta (u - x); with `gFirst` the two proximal
 * operators change places. The multiplier z starts as the first image, as in deepinv.
 *
 * @example An image of which half of the pixels are missing
 * ```ts
 * import assert from "node:assert/strict";
 * import { ADMM, Inpainting, L2, openDevice } from "@deepinv/distributed";
 * import { setDefaultDevice, sheppLogan, Tensor, TVPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = sheppLogan(32);
 * const mask = Tensor.randn([1, 32, 32], { seed: 1 }).greater(0); // 1 where a pixel is seen
 * const physics = new Inpainting({ imgSize: [1, 32, 32], mask });
 * const y = await physics.A(image);
 * const prior = new TVPrior({ nItMax: 10 });
 * const algorithm = new ADMM({ dataFidelity: new L2(), prior, lambda: 0.1, stepsize: 3, beta: 1, maxIter: 4 });
 * const { metrics: { psnr: [psnr] } } = await algorithm.run(y, physics, { xGt: image });
 * assert(psnr[4] > psnr[0] + 1); // dB
 * ```
 */
export class ADMM extends TwoImageSplitting {
  /** One iteration: u, x, z. */
  protected override async step(
    state: SplittingState,
    parameters: StepParameters,
  ): Promise<SplittingState> {
    using before = state.x.sub(state.z);
    using u = await this.firstProx(before, parameters);
    using shifted = u.add(state.z);
    const x = await this.secondProx(shifted, parameters);
    using gap = u.sub(x);
    return { x, z: state.z.addScaled(gap, parameters.beta) };
  }
}
