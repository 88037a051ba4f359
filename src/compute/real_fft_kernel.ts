/**
 * The step between the spectrum of a real signal of even length n = 2 h and the transform Z of h complex values
 * z[m] = x[2 m] + i x[2 m + 1]. Inputs: complex values (batch, 2, outer, length, inner), real and imaginary planes apart,
 * and the roots (cos, sin)(2 pi k / n) for k <= h, (h + 1, 2). With w = exp(-2 pi i k / n), indices of Z modulo h:
 *
 * - forward, from Z (length h) to X (length h + 1):
 *   X[k] = scale ((Z[k] + conj Z[h - k]) - i w (Z[k] - conj Z[h - k])) / 2,
 * - inverse, from X (length h + 1) to Z (length h):
 *   Z[k] = scale ((X[k] + conj X[h - k]) + i conj(w) (X[k] - conj X[h - k])) / 2, the imaginary parts of X[0] and X[h]
 *   taken for 0.
 */
export interface RealFftKernel {
  /** Which kernel this is. */
  readonly kind: "realFft";
  /** Items. */
  readonly batch: number;
  /** Extents between the complex dimension and the axis, multiplied. */
  readonly outer: number;
  /** h, at least 1. */
  readonly half: number;
  /** Extents behind the axis, multiplied. */
  readonly inner: number;
  /** From X to Z. */
  readonly inverse: boolean;
  /** Multiplies the results. */
  readonly scale: number;
}
