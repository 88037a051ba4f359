import type { Tensor } from "../tensor/tensor.ts";
import type { OptimState, StepParameters } from "./run_types.ts";
import { relax, Splitting } from "./splitting.ts";

/**
 * Half-quadratic splitting (Geman and Yang, 1995): z = prox_{tau f}(x), x <- prox_{lambda tau g}(z), relaxed by beta;
 * with `gFirst` in the other order.
 */
export class HQS extends Splitting {
  /** The image alone. */
  protected override async begin(x: Tensor): Promise<OptimState> {
    return await Promise.resolve({ x });
  }

  /** One iteration: z, then x. */
  protected override async step({ x }: OptimState, parameters: StepParameters): Promise<OptimState> {
    using z = await this.firstProx(x, parameters);
    return { x: relax(await this.secondProx(z, parameters), x, parameters.beta) };
  }
}
