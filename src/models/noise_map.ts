import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * The noise level as a map (B, 1, H, W) for images x (B, C, H, W).
 *
 * @param sigma a number, a tensor of one value, one value per item ((B,), (B, 1) or (B, 1, 1, 1)), or a map (B|1, 1, H, W)
 * @returns a new tensor
 * @throws {InvalidArgumentError} for a negative or non-finite number, or another shape
 */
export function noiseMap(x: Tensor, sigma: number | Tensor): Tensor {
  const [batch, , height, width] = x.shape;
  const shape = [batch, 1, height, width];
  if (!(sigma instanceof Tensor)) {
    if (!(sigma >= 0 && sigma < Infinity)) {
      throw new InvalidArgumentError("denoise", "sigma", "a finite number >= 0 or a Tensor", String(sigma));
    }
    return Tensor.full(shape, sigma, x);
  }
  if (sigma.numel === 1) {
    using one = sigma.reshape([1, 1, 1, 1]);
    return one.expand(shape);
  }
  if (sigma.shape[0] === batch && sigma.numel === batch) {
    using perItem = sigma.reshape([batch, 1, 1, 1]);
    return perItem.expand(shape);
  }
  const fits = sigma.shape.length === 4 &&
    sigma.shape.every((extent, d) => extent === 1 || extent === shape[d]);
  if (!fits) {
    throw new InvalidArgumentError(
      "denoise",
      "sigma",
      `a number, one value per item (${batch},) or a map ${formatShape(shape)}`,
      formatShape(sigma.shape),
    );
  }
  return sigma.expand(shape);
}
