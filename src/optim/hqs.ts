import type { Tensor } from "../tensor/tensor.ts";
import type { OptimState, StepParameters } from "./run_types.ts";
import { relax, Splitting } from "./splitting.ts";

/**
 * Half-quadratic splitting (Geman and Yang, 1995): z = prox_{tau f}(x), x <- prox_{lambda tau g}(z), relaxed by beta;
 * with `gFirst` in the other order.
 *
 * @example Plug-and-play deblurring: a noise level and a stepsize for every iteration
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, HQS, L2, openDevice, PnP, setDefaultDevice, sheppLogan } from "@deepinv/distributed";
 * import { WaveletDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const image = sheppLogan(32);
 * const y = await blur.A(image);
 * const sigmaDenoiser = [0.1, 0.05, 0.02, 0.01];
 * const algorithm = new HQS({
 *   dataFidelity: new L2(),
 *   prior: new PnP({ denoiser: new WaveletDenoiser({ wv: "db2" }) }),
 *   sigmaDenoiser,
 *   stepsize: sigmaDenoiser.map((sigma) => (sigma / 0.01) ** 2),
 *   maxIter: 4,
 * });
 * const { metrics: { psnr: [psnr] } } = await algorithm.run(y, blur, { xGt: image });
 * assert(psnr.at(-1)! > psnr[0] + 2);
 * ```
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
