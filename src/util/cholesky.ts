/**
 * L of a symmetric positive definite G = L L^T, in place of G's lower triangle (row-major, n x n, float64); what lies
 * above the diagonal is left as it is.
 *
 * @returns whether G is positive definite; if not, the result is of no use
 */
export function choleskyFactor(gram: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = gram[i * n + j];
      for (let k = 0; k < j; k++) sum -= gram[i * n + k] * gram[j * n + k];
      if (i === j && !(sum > 0 && sum < Infinity)) return false;
      gram[i * n + j] = i === j ? Math.sqrt(sum) : sum / gram[j * n + j];
    }
  }
  return true;
}

/** The inverse of a lower triangular matrix (row-major, n x n); zero above the diagonal. */
export function invertLower(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / lower[j * n + j];
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= lower[i * n + k] * inverse[k * n + j];
      inverse[i * n + j] = sum / lower[i * n + i];
    }
  }
  return inverse;
}
