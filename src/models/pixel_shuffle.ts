import type { Tensor } from "../tensor/tensor.ts";

/** (B, C, 2h, 2w) to (B, 4C, h, w): channel 4c + 2i + j has the pixels (2y + i, 2x + j) of channel c. */
export function pixelUnshuffle(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  using split = x.reshape([batch, channels, height / 2, 2, width / 2, 2]);
  using gathered = split.permute([0, 1, 3, 5, 2, 4]);
  return gathered.reshape([batch, 4 * channels, height / 2, width / 2]);
}

/** The inverse of {@link pixelUnshuffle}. */
export function pixelShuffle(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  using split = x.reshape([batch, channels / 4, 2, 2, height, width]);
  using spread = split.permute([0, 1, 4, 2, 5, 3]);
  return spread.reshape([batch, channels / 4, 2 * height, 2 * width]);
}
