import type { Tensor } from "../tensor/tensor.ts";
import type { PrimalDualOptions } from "./over_relaxation.ts";
import { PrimalDualDenoiser } from "./primal_dual_denoiser.ts";
import { TVSolver } from "./tv_solver.ts";

/**
 * The proximal operator of the isotropic total variation (Rudin, Osher and Fatemi, 1992):
 * argmin_x ||x - y||^2 / 2 + threshold TV(x). Every call starts cold.
 *
 * @example A noisy image
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, psnr, setDefaultDevice, sheppLogan, Tensor, TVDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = sheppLogan(32);
 * const noisy = image.add(Tensor.randn(image.shape, { seed: 1 }).mul(0.1));
 * const denoiser = new TVDenoiser({ nItMax: 30 }); // at most 30 iterations
 * using clean = await denoiser.forward(noisy, 0.1); // the threshold: the weight of the total variation
 * const [before, after] = [await psnr(noisy, image).item(), await psnr(clean, image).item()];
 * assert(after > before + 2); // dB
 * ```
 */
export class TVDenoiser extends PrimalDualDenoiser {
  /**
   * Sets how the iteration runs.
   *
   * @throws {InvalidArgumentError} for values out of range
   */
  constructor(options: PrimalDualOptions = {}) {
    super("TVDenoiser", options, true);
  }

  /** {@link TVSolver}'s iteration. */
  protected override async solve(y: Tensor, threshold: Tensor): Promise<Tensor> {
    using solver = new TVSolver(this.settings);
    return await solver.solve(y, threshold);
  }
}
