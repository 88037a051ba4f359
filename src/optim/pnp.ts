import type { Denoiser } from "../models/denoiser.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Prior } from "./prior.ts";

/**
 * The plug-and-play prior (Venkatakrishnan et al., 2013): a denoiser D in the place of the proximal operator,
 * prox(x) = D(x, sigma).
 *
 * @example Any denoiser as a prior
 * ```ts
 * import assert from "node:assert/strict";
 * import { Inpainting, L2, openDevice, PGD, PnP } from "@deepinv/distributed";
 * import { setDefaultDevice, sheppLogan, Tensor, TVDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = sheppLogan(32);
 * const mask = Tensor.randn([1, 32, 32], { seed: 1 }).greater(0); // half of the pixels
 * const physics = new Inpainting({ imgSize: [1, 32, 32], mask });
 * const y = await physics.A(image);
 * const prior = new PnP({ denoiser: new TVDenoiser({ nItMax: 5 }) }); // or a DRUNet, a distributed denoiser, ...
 * const algorithm = new PGD({ dataFidelity: new L2(), prior, sigmaDenoiser: 0.3, maxIter: 15 });
 * const { metrics: { psnr: [psnr] } } = await algorithm.run(y, physics, { xGt: image });
 * assert(psnr[15] > psnr[0] + 1.5); // dB
 * ```
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
