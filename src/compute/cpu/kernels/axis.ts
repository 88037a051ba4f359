import type { AxisKernel } from "../../kernel.ts";

/** A sparse matrix along one axis: out[a, o, :] = sum_k weights[k] in[a, indices[k], :], sums in float64 when inner = 1. */
export function axis(kernel: AxisKernel, input: Float32Array, output: Float32Array): void {
  const { outer, inner, table: { columns, offsets, indices, weights } } = kernel;
  const rows = offsets.length - 1;
  for (let a = 0; a < outer; a++) {
    const from = a * columns * inner;
    for (let o = 0; o < rows; o++) {
      const to = (a * rows + o) * inner;
      const begin = offsets[o], end = offsets[o + 1];
      if (inner === 1) {
        let sum = 0;
        for (let k = begin; k < end; k++) sum += (weights ? weights[k] : 1) * input[from + indices[k]];
        output[to] = sum;
        continue;
      }
      const row = output.subarray(to, to + inner);
      if (begin === end) row.fill(0);
      for (let k = begin; k < end; k++) {
        const source = input.subarray(from + indices[k] * inner, from + (indices[k] + 1) * inner);
        const weight = weights ? weights[k] : 1;
        if (k === begin && weight === 1) row.set(source);
        else if (k === begin) { for (let i = 0; i < inner; i++) row[i] = weight * source[i]; }
        else for (let i = 0; i < inner; i++) row[i] += weight * source[i];
      }
    }
  }
}
