import type { Tensor } from "../tensor/tensor.ts";
import { Denoiser } from "./denoiser.ts";
import { type PrimalDualOptions, type PrimalDualSettings, primalDualSettings } from "./over_relaxation.ts";
import { broadcastThreshold } from "./threshold.ts";

/**
 * A proximal operator that is computed by an over-relaxed primal-dual iteration. Every call starts cold.
 *
 * @example The anisotropic total variation's, by projected gradients on the dual (Chambolle, 2004)
 * ```ts
 * import assert from "node:assert/strict";
 * import { nabla, nablaAdjoint, openDevice } from "@deepinv/distributed";
 * import { PrimalDualDenoiser, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * class DualTV extends PrimalDualDenoiser {
 *   constructor() {
 *     super("DualTV", { nItMax: 30 }); // tau, rho and crit keep their defaults in `this.settings`
 *   }
 *   protected override async solve(y: Tensor, threshold: Tensor): Promise<Tensor> {
 *     const bound = threshold.reshape([...threshold.shape, 1]);
 *     let u = nabla(y).mul(0);
 *     for (let k = 0; k < this.settings.nItMax; k++) {
 *       const slope = nabla(y.sub(nablaAdjoint(u)));
 *       u = u.addScaled(slope, 1 / 8).minimum(bound).maximum(bound.neg());
 *     }
 *     return await Promise.resolve(y.sub(nablaAdjoint(u)));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([2, 1, 8, 8], { seed: 1 });
 * using x = await new DualTV().forward(y, 10); // the threshold was checked, and broadcasts
 * assert(await x.sub(y.mean([2, 3], { keepDims: true })).abs().max().item() < 0.5); // all but flat
 * ```
 */
export abstract class PrimalDualDenoiser extends Denoiser {
  readonly #owner: string;
  readonly #volumes: boolean;
  /** How the iteration runs. */
  protected readonly settings: PrimalDualSettings;

  /**
   * Sets how the iteration runs.
   *
   * @param owner the denoiser's name, for messages
   * @param volumes whether it takes volumes (B, C, D, H, W) too
   * @throws {InvalidArgumentError} for values out of range
   */
  protected constructor(owner: string, options: PrimalDualOptions, volumes = false) {
    super();
    this.#owner = owner;
    this.#volumes = volumes;
    this.settings = primalDualSettings(owner, options);
  }

  /** The iteration's result from a cold start, for a threshold >= 0 that broadcasts against y. */
  protected abstract solve(y: Tensor, threshold: Tensor): Promise<Tensor>;

  /**
   * The denoised images, of y's shape.
   *
   * @param y (B, C, H, W); for total variation also (B, C, D, H, W)
   * @param threshold weight of the variation, >= 0: a number, or one value per item (B,)
   * @throws {InvalidArgumentError} for other shapes, and for a threshold that is negative or not finite
   */
  override async forward(y: Tensor, threshold: number | Tensor): Promise<Tensor> {
    using weight = broadcastThreshold(this.#owner, y, threshold, this.#volumes);
    return await this.solve(y, weight);
  }
}
