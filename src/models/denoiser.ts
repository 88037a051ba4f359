import type { Tensor } from "../tensor/tensor.ts";

/** Removes Gaussian noise from images (B, C, H, W). */
export abstract class Denoiser {
  /**
   * The denoised images, of x's shape.
   *
   * @param sigma the noise's standard deviation in the image's units: a number, one value per item (B,), or a map
   * (B, 1, H, W)
   */
  abstract forward(x: Tensor, sigma: number | Tensor): Promise<Tensor>;
}
