import { Tensor, type TensorList } from "@deepinv/distributed";

/** The largest absolute difference between two tensors or lists of them. */
export async function maxDifference(a: Tensor | TensorList, b: Tensor | TensorList): Promise<number> {
  const left = a instanceof Tensor ? [a] : [...a], right = b instanceof Tensor ? [b] : [...b];
  let largest = 0;
  for (const [i, entry] of left.entries()) {
    using gap = entry.sub(right[i]);
    using size = gap.abs();
    using most = size.max();
    largest = Math.max(largest, await most.item());
  }
  return largest;
}
