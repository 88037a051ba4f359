/** Sweeps over all pairs, at most. */
const SWEEPS = 60;

/**
 * Eigenvalues, largest first, and unit eigenvectors of a symmetric matrix, by Jacobi's rotations (Golub and Van Loan,
 * Matrix Computations, section 8.5).
 *
 * @param matrix n x n, row-major; left alone
 * @returns `vectors[k]` belongs to `values[k]`
 */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
): { values: number[]; vectors: Float64Array[] } {
  const a = matrix.slice();
  const vectors = Array.from({ length: n }, (_, k) => new Float64Array(n).fill(1, k, k + 1));
  const total = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q] ** 2;
    if (off <= 1e-26 * total) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
    }
  }
  const order = vectors.map((_, k) => k).sort((i, j) => a[j * n + j] - a[i * n + i]);
  return { values: order.map((k) => a[k * n + k]), vectors: order.map((k) => vectors[k]) };
}

/** Makes a[p, q] zero by a rotation of coordinates p and q. */
function rotate(a: Float64Array, vectors: Float64Array[], n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const ratio = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = (ratio >= 0 ? 1 : -1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio));
  const c = 1 / Math.sqrt(1 + t * t), s = t * c;
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p], kq = a[k * n + q];
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (let k = 0; k < n; k++) {
    const pk = a[p * n + k], qk = a[q * n + k];
    a[p * n + k] = c * pk - s * qk;
    a[q * n + k] = s * pk + c * qk;
    const vp = vectors[p][k], vq = vectors[q][k];
    vectors[p][k] = c * vp - s * vq;
    vectors[q][k] = s * vp + c * vq;
  }
}
