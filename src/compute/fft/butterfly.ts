/** A complex number whose parts are values of a program under construction. */
export interface Complex<V> {
  readonly re: V;
  readonly im: V;
}

/** The instructions that a program for small transforms is made of; each gives a new value. */
export interface Algebra<V> {
  /** a + b */
  add(a: V, b: V): V;
  /** a - b */
  sub(a: V, b: V): V;
  /** a times a constant */
  scale(a: V, by: number): V;
  /** a times a constant, plus c */
  addScaled(c: V, a: V, by: number): V;
}

/**
 * The straight-line program of a small transform X[k] = sum_n x[n] exp(-2 pi i n k / N), N = x.length.
 *
 * A composite N = a b (a its smallest prime) is split by Cooley and Tukey: with Y_i the transforms of the a interleaved
 * subsequences x[i], x[i + a], ...,
 *
 *     X[k + b q] = sum_i exp(-2 pi i q i / a) (exp(-2 pi i k i / N) Y_i[k]).
 */
export function dft<V>(algebra: Algebra<V>, x: readonly Complex<V>[]): Complex<V>[] {
  const length = x.length;
  const factor = smallestPrime(length);
  if (factor === length) return primeDft(algebra, x);
  const rest = length / factor;
  const parts = range(factor).map((i) => dft(algebra, range(rest).map((n) => x[i + factor * n])));
  const result: Complex<V>[] = new Array(length);
  for (let k = 0; k < rest; k++) {
    const column = factor === 2
      ? rotatedPair(algebra, parts[0][k], parts[1][k], k, length)
      : primeDft(algebra, parts.map((part, i) => rotate(algebra, part[k], i * k, length)));
    column.forEach((value, q) => result[k + rest * q] = value);
  }
  return result;
}

/**
 * A prime length: with s_m = x[m] + x[N-m], d_m = x[m] - x[N-m] and angles t = 2 pi m k / N,
 *
 *     X[k], X[N-k] = (x[0] + sum_m cos(t) s_m) -+ i sum_m sin(t) d_m,  1 <= m <= (N - 1) / 2.
 */
function primeDft<V>(algebra: Algebra<V>, x: readonly Complex<V>[]): Complex<V>[] {
  const length = x.length;
  if (length === 1) return [x[0]];
  const { add, sub, scale, addScaled } = algebra;
  if (length === 2) return pair(algebra, x[0], x[1]);
  const half = (length - 1) / 2;
  const sums = range(half).map((m) => both(x[m + 1], x[length - 1 - m], add));
  const differences = range(half).map((m) => both(x[m + 1], x[length - 1 - m], sub));
  const result: Complex<V>[] = new Array(length);
  result[0] = sums.reduce((total, sum) => both(total, sum, add), x[0]);
  for (let k = 1; k <= half; k++) {
    const angles = range(half).map((m) => (2 * Math.PI * ((m + 1) * k % length)) / length);
    const even = (part: "re" | "im") =>
      sums.reduce((total, sum, m) => addScaled(total, sum[part], Math.cos(angles[m])), x[0][part]);
    const odd = (part: "re" | "im") =>
      differences.slice(1).reduce(
        (total, difference, m) => addScaled(total, difference[part], Math.sin(angles[m + 1])),
        scale(differences[0][part], Math.sin(angles[0])),
      );
    const [evenRe, evenIm, oddRe, oddIm] = [even("re"), even("im"), odd("re"), odd("im")];
    result[k] = { re: add(evenRe, oddIm), im: sub(evenIm, oddRe) };
    result[length - k] = { re: sub(evenRe, oddIm), im: add(evenIm, oddRe) };
  }
  return result;
}

/** a + b and a - b. */
function pair<V>({ add, sub }: Algebra<V>, a: Complex<V>, b: Complex<V>): Complex<V>[] {
  return [both(a, b, add), both(a, b, sub)];
}

/** a + w b and a - w b with w = exp(-2 pi i k / N). */
function rotatedPair<V>(
  algebra: Algebra<V>,
  a: Complex<V>,
  b: Complex<V>,
  k: number,
  length: number,
): Complex<V>[] {
  if (4 * k !== length) return pair(algebra, a, rotate(algebra, b, k, length));
  const { add, sub } = algebra;
  return [
    { re: add(a.re, b.im), im: sub(a.im, b.re) },
    { re: sub(a.re, b.im), im: add(a.im, b.re) },
  ];
}

/** x exp(-2 pi i k / N) */
function rotate<V>(algebra: Algebra<V>, x: Complex<V>, k: number, length: number): Complex<V> {
  const { add, sub, scale, addScaled } = algebra;
  if (k === 0) return x;
  if (8 * k === length) {
    return { re: scale(add(x.re, x.im), Math.SQRT1_2), im: scale(sub(x.im, x.re), Math.SQRT1_2) };
  }
  if (8 * k === 3 * length) {
    return { re: scale(sub(x.im, x.re), Math.SQRT1_2), im: scale(add(x.re, x.im), -Math.SQRT1_2) };
  }
  const cos = Math.cos((2 * Math.PI * k) / length);
  const sin = Math.sin((2 * Math.PI * k) / length);
  return { re: addScaled(scale(x.re, cos), x.im, sin), im: addScaled(scale(x.im, cos), x.re, -sin) };
}

function both<V>(a: Complex<V>, b: Complex<V>, f: (a: V, b: V) => V): Complex<V> {
  return { re: f(a.re, b.re), im: f(a.im, b.im) };
}

function smallestPrime(length: number): number {
  for (let factor = 2; factor * factor <= length; factor++) if (length % factor === 0) return factor;
  return length;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
