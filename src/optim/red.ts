import type { Denoiser } from "../models/denoiser.ts";
import { owned } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Prior } from "./prior.ts";

/**
 * Regularisation by denoising (Romano, Elad and Milanfar, 2017): grad g(x) = x - D(x, sigma).
 *
 * @example Deblurring: a denoiser's residual as the prior's gradient
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, GD, L2, openDevice } from "@deepinv/distributed";
 * import { RED, setDefaultDevice, sheppLogan, TVDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const image = sheppLogan(32);
 * const y = await blur.A(image);
 * const prior = new RED({ denoiser: new TVDenoiser({ nItMax: 10 }) });
 * const options = { sigmaDenoiser: 0.02, lambda: 0.1, stepsize: 1.8, maxIter: 20 };
 * const algorithm = new GD({ dataFidelity: new L2(), prior, ...options });
 * const { metrics: { psnr: [psnr] } } = await algorithm.run(y, blur, { xGt: image });
 * assert(psnr[20] > psnr[0] + 2); // dB
 * ```
 */
export class RED extends Prior {
  /** The denoiser D. */
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
      throw new InvalidArgumentError("build RED", "denoiser", "a Denoiser", String(this.denoiser));
    }
  }

  /**
   * x - D(x, sigma)
   *
   * @throws {InvalidArgumentError} without a noise level (the optimiser's `sigmaDenoiser`)
   */
  override async grad(x: Tensor, sigma?: number): Promise<Tensor> {
    if (sigma === undefined) {
      throw new InvalidArgumentError("denoise", "sigmaDenoiser", "a noise level", "none");
    }
    using denoised = owned(await this.denoiser.forward(x, sigma), x);
    return x.sub(denoised);
  }
}
