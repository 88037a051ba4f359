import type { MatmulKernel } from "../../kernel.ts";

/** Batched row-major matrix product; each output is summed in float64. */
export function matmul(kernel: MatmulKernel, a: Float32Array, b: Float32Array, output: Float32Array): void {
  const { batch, m, k, n } = kernel;
  const row = new Float64Array(n);
  for (let item = 0; item < batch; item++) {
    for (let i = 0; i < m; i++) {
      row.fill(0);
      for (let l = 0; l < k; l++) {
        const weight = a[(item * m + i) * k + l];
        const from = (item * k + l) * n;
        for (let j = 0; j < n; j++) row[j] += weight * b[from + j];
      }
      output.set(row, (item * m + i) * n);
    }
  }
}
