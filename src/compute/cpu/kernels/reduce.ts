import type { ReduceKernel } from "../../kernel.ts";

/** Reduces `count` values of a (and b) from position `from` on. */
type Row = (a: Float32Array, b: Float32Array, from: number, count: number) => number;

/** A loop for each reduction, not one that calls it: the engine would not inline the call. Sums are float64. */
const ROWS: Record<ReduceKernel["fn"], Row> = {
  sum(a, _b, from, count) {
    let total = 0;
    for (let i = from; i < from + count; i++) total += a[i];
    return total;
  },
  sumSquares(a, _b, from, count) {
    let total = 0;
    for (let i = from; i < from + count; i++) total += a[i] * a[i];
    return total;
  },
  dot(a, b, from, count) {
    let total = 0;
    for (let i = from; i < from + count; i++) total += a[i] * b[i];
    return total;
  },
  max(a, _b, from, count) {
    let largest = -Infinity;
    for (let i = from; i < from + count; i++) largest = Math.max(largest, a[i]);
    return largest;
  },
  min(a, _b, from, count) {
    let smallest = Infinity;
    for (let i = from; i < from + count; i++) smallest = Math.min(smallest, a[i]);
    return smallest;
  },
};

/** Reductions over rows. */
export function reduce(kernel: ReduceKernel, inputs: readonly Float32Array[], output: Float32Array): void {
  const { fn, rows, length } = kernel;
  const [a, b = a] = inputs;
  for (let row = 0; row < rows; row++) output[row] = ROWS[fn](a, b, row * length, length);
}
