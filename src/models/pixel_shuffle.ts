import type { Tensor } from "../tensor/tensor.ts";

/** (B, C, f h, f w) to (B, f^2 C, h, w): channel f^2 c + f i + j has the pixels (f y + i, f x + j) of channel c. */
export function pixelUnshuffle(x: Tensor, factor = 2): Tensor {
  const [batch, channels, height, width] = x.shape;
  const [h, w] = [height / factor, width / factor];
  using split = x.reshape([batch, channels, h, factor, w, factor]);
  using gathered = split.permute([0, 1, 3, 5, 2, 4]);
  return gathered.reshape([batch, factor ** 2 * channels, h, w]);
}

/** The inverse of {@link pixelUnshuffle}. */
export function pixelShuffle(x: Tensor, factor = 2): Tensor {
  const [batch, channels, height, width] = x.shape;
  const count = channels / factor ** 2;
  using split = x.reshape([batch, count, factor, factor, height, width]);
  using spread = split.permute([0, 1, 4, 2, 5, 3]);
  return spread.reshape([batch, count, factor * height, factor * width]);
}
