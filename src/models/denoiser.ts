import type { Tensor } from "../tensor/tensor.ts";

/**
 * Removes Gaussian noise from images (B, C, H, W).
 *
 * @example A denoiser of one's own, for every plug-and-play algorithm and for `distribute`
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoiser, Denoising, HQS, L2, openDevice, PnP, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * class ShrinkToMean extends Denoiser {
 *   override async forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
 *     using mean = x.mean([2, 3], { keepDims: true });
 *     using detail = x.sub(mean);
 *     using kept = detail.mul(sigma instanceof Tensor ? sigma.neg().exp() : Math.exp(-sigma));
 *     return await Promise.resolve(kept.add(mean)); // a new tensor; x stays as it is
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([1, 1, 8, 8], { seed: 1 });
 * const prior = new PnP({ denoiser: new ShrinkToMean() });
 * const algorithm = new HQS({ dataFidelity: new L2(), prior, sigmaDenoiser: 0.5, maxIter: 5 });
 * const { x } = await algorithm.run(y, new Denoising());
 * assert(await x.norm().item() < await y.norm().item());
 * ```
 */
export abstract class Denoiser {
  /**
   * The denoised images, of x's shape.
   *
   * @param sigma the noise's standard deviation in the image's units: a number, one value per item (B,), or a map
   * (B, 1, H, W)
   */
  abstract forward(x: Tensor, sigma: number | Tensor): Promise<Tensor>;
}
