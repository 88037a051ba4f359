import type { SplittingState, StepParameters } from "./run_types.ts";
import { TwoImageSplitting } from "./splitting.ts";

/**
 * The alternating direction method of multipliers (Boyd et al., 2011):
 * u = prox_{tau f}(x - z), x <- prox_{lambda tau g}(u + z), z <- z + beta (u - x); with `gFirst` the two proximal
 * operators change places. The multiplier z starts as the first image, as in deepinv.
 *
 * @example
 * ```ts
 * import { ADMM, Blur, gaussianBlur, L1, openDevice, setDefaultDevice, Tensor, Tikhonov } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 0.7 }), padding: "circular" });
 * const y = await blur.A(Tensor.full([1, 1, 16, 16], 0.5));
 * const algorithm = new ADMM({ dataFidelity: new L1(), prior: new Tikhonov(), lambda: 0.01, maxIter: 5 });
 * const { x } = await algorithm.run(y, blur);
 * console.log(x.shape); // [ 1, 1, 16, 16 ]
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
