import type { Tensor } from "../tensor/tensor.ts";

/** sign(x) max(|x| - threshold, 0) */
export function softThreshold(x: Tensor, threshold: number): Tensor {
  using inside = x.clamp(-threshold, threshold);
  return x.sub(inside);
}

/** sum |x| over each item, shape (B,) */
export function absoluteSum(x: Tensor, dims: readonly number[]): Tensor {
  using magnitudes = x.abs();
  return magnitudes.sum(dims);
}
