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
    this.#factor = choleskyFactor(gramMatrix(rows, size, rows.length / size), size);
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

/** L of G = L L^T, in place of G's lower triangle. */
function choleskyFactor(gram: Float64Array, n: number): Float64Array {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = gram[i * n + j];
      for (let k = 0; k < j; k++) sum -= gram[i * n + k] * gram[j * n + k];
      gram[i * n + j] = i === j ? Math.sqrt(sum) : sum / gram[j * n + j];
    }
  }
  return gram;
}
