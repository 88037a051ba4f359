import type { Denoiser } from "../models/denoiser.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Prior } from "./prior.ts";

/**
 * The plug-and-play prior (Venkatakrishnan et al., 2013): a denoiser D in the place of the proximal operator,
 * prox(x) = D(x, sigma).
 */
export class PnP extends Prior {
  /** The denoiser that takes the proximal operator's place. */
  readonly denoiser: Pick<Denoiser, "forward">;

  /**
   * Takes a denoiser, local or distributed.
   *
   * @throws {InvalidArgumentError} when it has no `forward`
   */
  constructor(options: { denoiser: Pick<Denoiser, "forward"> }) {
    super();
    this.denoiser = options.denoiser;
    if (typeof this.denoiser?.forward !== "function") {
      throw new InvalidArgumentError("build PnP", "denoiser", "a Denoiser", String(this.denoiser));
    }
  }

  /**
   * D(x, sigma); gamma plays no part.
   *
   * @throws {InvalidArgumentError} without a noise level (the optimiser's `sigmaDenoiser`)
   */
  override async prox(x: Tensor, sigma: number | undefined, _gamma?: number): Promise<Tensor> {
    if (sigma === undefined) {
      throw new InvalidArgumentError("denoise", "sigmaDenoiser", "a noise level", "none");
    }
    return await this.denoiser.forward(x, sigma);
  }
}
