import type { Tensor } from "../tensor/tensor.ts";
import type { PrimalDualOptions } from "./over_relaxation.ts";
import { PrimalDualDenoiser } from "./primal_dual_denoiser.ts";
import { TVSolver } from "./tv_solver.ts";

/**
 * The proximal operator of the isotropic total variation (Rudin, Osher and Fatemi, 1992):
 * argmin_x ||x - y||^2 / 2 + threshold TV(x). Every call starts cold.
 *
 * @example
 * ```ts
 * import { openDevice, setDefaultDevice, Tensor, TVDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noisy = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const clean = await new TVDenoiser({ nItMax: 50 }).forward(noisy, 0.1);
 * console.log(clean.shape); // [ 1, 1, 16, 16 ]
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
