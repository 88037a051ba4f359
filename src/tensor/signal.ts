import { Tensor } from "./tensor.ts";
import { TensorList } from "./tensor_list.ts";

/** What an operator produces: a tensor, or a list of tensors from a stack. */
export type Signal = Tensor | TensorList;

/** The tensors of a signal, in order. */
export function entriesOf(signal: Signal): readonly Tensor[] {
  return signal instanceof Tensor ? [signal] : [...signal];
}

/** a - b for signals of one kind. */
export function subtract<S extends Signal>(a: S, b: S): S {
  return (a instanceof Tensor ? a.sub(b as Tensor) : a.sub(b as TensorList)) as S;
}

/** The inner product of each batch item over all other dimensions (and all entries of a list): shape (B,). */
export function dotPerItem(a: Signal, b: Signal): Tensor {
  const others = entriesOf(b);
  let total: Tensor | undefined;
  entriesOf(a).forEach((entry, i) => {
    const inner = entry.dot(others[i], otherDims(entry));
    if (!total) return total = inner;
    const sum = total.add(inner);
    total.dispose();
    inner.dispose();
    total = sum;
  });
  return total ?? Tensor.zeros([0]);
}

/** All dimensions but the first, which is the batch. */
export function otherDims(tensor: Tensor): number[] {
  return tensor.shape.slice(1).map((_, d) => d + 1);
}

/** One value per batch item (B,), shaped to broadcast against `like`: (B, 1, ..., 1). */
export function perItem(values: Tensor, like: Tensor): Tensor {
  return values.reshape([values.numel, ...like.shape.slice(1).map(() => 1)]);
}

/** The number of values that are NaN or infinite. */
export async function countNonFinite(signal: Signal): Promise<number> {
  let count = 0;
  for (const entry of entriesOf(signal)) {
    using marks = entry.nonFinite();
    using sum = marks.sum();
    count += await sum.item();
  }
  return count;
}
