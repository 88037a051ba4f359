/** A mixture of Gaussians on small vectors, in float64 and by the textbook: the oracle of the patch models' tests. */
export interface PlainMixture {
  readonly weights: number[];
  readonly mu: number[][];
  readonly cov: number[][][];
}

/** The inverse and the determinant of a matrix, by elimination with pivoting. */
export function invert(matrix: readonly (readonly number[])[]): { inverse: number[][]; determinant: number } {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => i === j ? 1 : 0)]);
  let determinant = 1;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(rows[r][i]) > Math.abs(rows[pivot][i])) pivot = r;
    if (pivot !== i) determinant = -determinant;
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    determinant *= rows[i][i];
    rows[i] = rows[i].map((value) => value / rows[i][i]);
    for (let r = 0; r < n; r++) {
      if (r !== i) rows[r] = rows[r].map((value, c) => value - rows[r][i] * rows[i][c]);
    }
  }
  return { inverse: rows.map((row) => row.slice(n)), determinant };
}

const apply = (matrix: readonly (readonly number[])[], x: readonly number[]) =>
  matrix.map((row) => row.reduce((sum, value, j) => sum + value * x[j], 0));

const regularized = (cov: readonly (readonly number[])[], r: number) =>
  cov.map((row, i) => row.map((value, j) => value + (i === j ? r : 0)));

/** log w_k + log N(x; mu_k, cov_k + r I) of every component. */
export function plainJoint({ weights, mu, cov }: PlainMixture, x: readonly number[], r = 0): number[] {
  return weights.map((weight, k) => {
    const { inverse, determinant } = invert(regularized(cov[k], r));
    const gap = x.map((value, i) => value - mu[k][i]);
    const form = apply(inverse, gap).reduce((sum, value, i) => sum + value * gap[i], 0);
    return Math.log(weight) - (form + Math.log(determinant) + x.length * Math.log(2 * Math.PI)) / 2;
  });
}

/** -log p(x) */
export function plainNll(mixture: PlainMixture, x: readonly number[]): number {
  return -Math.log(plainJoint(mixture, x).reduce((sum, value) => sum + Math.exp(value), 0));
}

/** The most likely component's mean of the clean vector given x at noise variance r. */
export function plainEstimate(mixture: PlainMixture, x: readonly number[], r: number): number[] {
  const joint = plainJoint(mixture, x, r);
  const k = joint.indexOf(Math.max(...joint));
  const gap = x.map((value, i) => value - mixture.mu[k][i]);
  const white = apply(invert(regularized(mixture.cov[k], r)).inverse, gap);
  return apply(mixture.cov[k], white).map((value, i) => value + mixture.mu[k][i]);
}
