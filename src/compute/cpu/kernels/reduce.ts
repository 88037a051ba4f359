import type { ReduceKernel } from "../../kernel.ts";

/** Folds one value (or the product of a pair) into a float64 accumulator. */
type Fold = (accumulator: number, a: number, b: number) => number;

const FOLDS = {
  sum: { start: 0, fold: (acc, a) => acc + a },
  sumSquares: { start: 0, fold: (acc, a) => acc + a * a },
  dot: { start: 0, fold: (acc, a, b) => acc + a * b },
  max: { start: -Infinity, fold: (acc, a) => Math.max(acc, a) },
  min: { start: Infinity, fold: (acc, a) => Math.min(acc, a) },
} satisfies Record<ReduceKernel["fn"], { start: number; fold: Fold }>;

/** Reductions over rows, accumulated in float64. */
export function reduce(kernel: ReduceKernel, inputs: readonly Float32Array[], output: Float32Array): void {
  const { start, fold } = FOLDS[kernel.fn] as { start: number; fold: Fold };
  const a = inputs[0], b = inputs[inputs.length - 1];
  for (let row = 0, i = 0; row < kernel.rows; row++) {
    let accumulator = start;
    for (const end = i + kernel.length; i < end; i++) accumulator = fold(accumulator, a[i], b[i]);
    output[row] = accumulator;
  }
}
