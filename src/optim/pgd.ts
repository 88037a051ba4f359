import type { Tensor } from "../tensor/tensor.ts";
import type { OptimState, StepParameters } from "./run_types.ts";
import { relax, Splitting } from "./splitting.ts";

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
export class PGD extends Splitting {
  /** The image alone. */
  protected override async begin(x: Tensor): Promise<OptimState> {
    return await Promise.resolve({ x });
  }

  /** One iteration: z, then x. */
  protected override async step({ x }: OptimState, parameters: StepParameters): Promise<OptimState> {
    return { x: relax(await this.forwardBackward(x, parameters), x, parameters.beta) };
  }
}
