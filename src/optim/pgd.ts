import type { Tensor } from "../tensor/tensor.ts";
import type { OptimState, StepParameters } from "./run_types.ts";
import { relax, Splitting } from "./splitting.ts";

/**
 * Proximal gradient descent (forward-backward splitting, Combettes and Wajs, 2005):
 * z = x - tau grad f(x), x <- prox_{lambda tau g}(z), relaxed by beta. With `gFirst` the roles are swapped:
 * z = x - lambda tau grad g(x), x <- prox_{tau f}(z).
 *
 * @example Deblurring with a wavelet penalty
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, L2, openDevice } from "@deepinv/distributed";
 * import { PGD, setDefaultDevice, sheppLogan, WaveletPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const image = sheppLogan(32);
 * const y = await blur.A(image);
 * const stepsize = 1 / await blur.computeSqnorm(image); // of the data term's gradient
 * const prior = new WaveletPrior({ wv: "db2", ths: 1 });
 * const algorithm = new PGD({ dataFidelity: new L2(), prior, lambda: 1e-3, stepsize, maxIter: 20 });
 * const { x, metrics } = await algorithm.run(y, blur, { xGt: image }); // x belongs to the caller
 * const [cost] = metrics.cost, [psnr] = metrics.psnr;
 * assert(cost.every((value, k) => k === 0 || value <= cost[k - 1]));
 * assert(psnr[20] > psnr[0] + 1); // dB
 * x.dispose();
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
