import type { Tensor } from "../tensor/tensor.ts";
import { Denoiser } from "./denoiser.ts";
import { type PrimalDualOptions, type PrimalDualSettings, primalDualSettings } from "./over_relaxation.ts";
import { broadcastThreshold } from "./threshold.ts";

/** A proximal operator that is computed by an over-relaxed primal-dual iteration. Every call starts cold. */
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
