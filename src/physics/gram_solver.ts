import { choleskyFactor } from "../util/cholesky.ts";

/** Solves systems with the Gram matrix of a dense matrix, in float64. */
export class GramSolver {
  readonly #factor: Float64Array;
  readonly #size: number;

  /**
   * Factorises G = A A^T as L L^T (Cholesky).
   *
   * @param rows A, row-major (size, length) of full row rank
   */
  constructor(rows: Float32Array, size: number) {
    this.#size = size;
    this.#factor = gramMatrix(rows, size, rows.length / size);
    choleskyFactor(this.#factor, size);
  }

  /** Overwrites `values` with G^-1 values. */
  solve(values: Float64Array): void {
    const L = this.#factor, n = this.#size;
    for (let i = 0; i < n; i++) {
      let sum = values[i];
      for (let k = 0; k < i; k++) sum -= L[i * n + k] * values[k];
      values[i] = sum / L[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = values[i];
      for (let k = i + 1; k < n; k++) sum -= L[k * n + i] * values[k];
      values[i] = sum / L[i * n + i];
    }
  }
}

/** The lower triangle of A A^T. */
function gramMatrix(rows: Float32Array, size: number, length: number): Float64Array {
  const gram = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const a = rows.subarray(i * length, (i + 1) * length);
    for (let j = 0; j <= i; j++) {
      const b = rows.subarray(j * length, (j + 1) * length);
      let sum = 0;
      for (let k = 0; k < length; k++) sum += a[k] * b[k];
      gram[i * size + j] = sum;
    }
  }
  return gram;
}
