import type { Tensor } from "../tensor/tensor.ts";
import { Denoiser } from "./denoiser.ts";
import { type PrimalDualOptions, type PrimalDualSettings, primalDualSettings } from "./over_relaxation.ts";
import { broadcastThreshold } from "./threshold.ts";
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
export class TVDenoiser extends Denoiser {
  readonly #settings: PrimalDualSettings;

  /**
   * Sets how the iteration runs.
   *
   * @throws {InvalidArgumentError} for values out of range
   */
  constructor(options: PrimalDualOptions = {}) {
    super();
    this.#settings = primalDualSettings("TVDenoiser", options);
  }

  /**
   * The denoised images, of y's shape.
   *
   * @param y (B, C, H, W)
   * @param threshold weight of the total variation, >= 0: a number, or one value per item (B,)
   * @throws {InvalidArgumentError} for other shapes, and for a threshold that is negative or not finite
   */
  override async forward(y: Tensor, threshold: number | Tensor): Promise<Tensor> {
    using weight = broadcastThreshold("TVDenoiser", y, threshold);
    using solver = new TVSolver(this.#settings);
    return await solver.solve(y, weight);
  }
}
