import type { SplittingState, StepParameters } from "./run_types.ts";
import { TwoImageSplitting } from "./splitting.ts";

/**
 * Douglas-Rachford splitting (Lions and Mercier, 1979): u = prox_{tau f}(z), x <- prox_{lambda tau g}(2 u - z),
 * z <- z + beta (x - u); with `gFirst` the two proximal operators change places.
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
