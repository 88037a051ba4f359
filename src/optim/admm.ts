import type { Tensor } from "../tensor/tensor.ts";
import type { SplittingState, StepParameters } from "./run_types.ts";
import { Splitting } from "./splitting.ts";

/**
 * The alternating direction method of multipliers (Boyd et al., 2011):
 * u = prox_{tau f}(x - z), x <- prox_{lambda tau g}(u + z), z <- z + beta (u - x); with `gFirst` the two proximal
 * operators change places. The multiplier z starts as the first image, as in deepinv.
 */
export class ADMM extends Splitting<SplittingState> {
  /** z = x */
  protected override async begin(x: Tensor): Promise<SplittingState> {
    return await Promise.resolve({ x, z: x.clone() });
  }

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
