import { choleskyFactor, invertLower } from "../../util/cholesky.ts";
import { InvalidArgumentError } from "../../util/errors.ts";

/** The parameters of a mixture of Gaussians in host memory, float64. */
export interface MixtureParameters {
  /** (K,), not negative, of sum 1 */
  readonly weights: Float64Array;
  /** (K, d) */
  readonly mu: Float64Array;
  /** (K, d, d), symmetric and positive definite */
  readonly cov: Float64Array;
}

/** What evaluating the components takes: with Sigma_k = cov_k + r I = L_k L_k^T, */
export interface MixtureTables {
  /** r */
  readonly regularization: number;
  /** L_k^-1 for all components, (K, d, d), float64 */
  readonly whiteners: Float64Array;
  /** L_k^-1 mu_k, (K, d) */
  readonly shifts: Float32Array;
  /** -log det(Sigma_k) / 2 - d log(2 pi) / 2, (K,) */
  readonly logNorms: Float32Array;
  /** log w_k + logNorms_k, (K,); -Infinity where w_k is 0 */
  readonly constants: Float32Array;
}

/**
 * Factorises the covariances.
 *
 * @throws {InvalidArgumentError} naming the first that is not positive definite
 */
export function mixtureTables(
  { weights, mu, cov }: MixtureParameters,
  regularization: number,
): MixtureTables {
  const K = weights.length, d = mu.length / K;
  const whiteners = new Float64Array(K * d * d), shifts = new Float32Array(K * d);
  const logNorms = new Float32Array(K);
  for (let k = 0; k < K; k++) {
    const factor = cov.slice(k * d * d, (k + 1) * d * d);
    for (let i = 0; i < d; i++) factor[i * d + i] += regularization;
    if (!choleskyFactor(factor, d)) {
      const argument = `the covariance of component ${k}`;
      throw new InvalidArgumentError("use a mixture", argument, "positive definite", "one that is not");
    }
    const inverse = invertLower(factor, d);
    whiteners.set(inverse, k * d * d);
    let logDet = 0;
    for (let i = 0; i < d; i++) {
      logDet += 2 * Math.log(factor[i * d + i]);
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += inverse[i * d + j] * mu[k * d + j];
      shifts[k * d + i] = sum;
    }
    logNorms[k] = -logDet / 2 - d * Math.log(2 * Math.PI) / 2;
  }
  const constants = logNorms.map((norm, k) => norm + Math.log(weights[k]));
  return { regularization, whiteners, shifts, logNorms, constants };
}

/**
 * The estimate of a patch p of component k from p + sqrt(r) n, its mean given the noisy one, in place of `rows`:
 * mu + Sigma (Sigma + r I)^-1 (p - mu) = p - r L^-T L^-1 (p - mu).
 *
 * @param components k for each row
 */
export function estimateRows(
  rows: Float32Array,
  components: ArrayLike<number>,
  mu: Float64Array,
  { whiteners, regularization }: MixtureTables,
): void {
  const d = rows.length / components.length;
  const white = new Float64Array(d);
  for (let row = 0; row < components.length; row++) {
    const k = components[row], L = k * d * d, p = row * d;
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += whiteners[L + i * d + j] * (rows[p + j] - mu[k * d + j]);
      white[i] = sum;
    }
    for (let j = 0; j < d; j++) {
      let sum = 0;
      for (let i = j; i < d; i++) sum += whiteners[L + i * d + j] * white[i];
      rows[p + j] -= regularization * sum;
    }
  }
}
