/**
 * The Kaiser-Bessel window, phi(t) = I0(beta sqrt(1 - (2 t / J)^2)) / I0(beta) for |t| <= J / 2, else 0: the
 * interpolation kernel of non-uniform Fourier transforms on an oversampled grid.
 *
 * beta follows Beatty, Nishimura and Pauly (2005): pi sqrt((J / s)^2 (s - 1/2)^2 - 0.8) for a width of J grid points and
 * an oversampling s.
 */
export class KaiserBessel {
  readonly #width: number;
  readonly #beta: number;
  readonly #peak: number;
  /** phi = sum_k coefficients[k] u^k with u = 1 - (2 t / J)^2. */
  readonly #coefficients: Float64Array;

  /**
   * @param width J >= 2, in grid points
   * @param oversampling s >= 1, grid points per image sample
   */
  constructor(width: number, oversampling: number) {
    this.#width = width;
    const inside = ((width / oversampling) * (oversampling - 0.5)) ** 2 - 0.8;
    this.#beta = Math.PI * Math.sqrt(Math.max(inside, 0));
    const terms = besselTerms(this.#beta);
    this.#peak = terms.reduce((sum, term) => sum + term, 0);
    this.#coefficients = Float64Array.from(terms, (term) => term / this.#peak);
  }

  /** phi(t), t in grid points. */
  value(t: number): number {
    const u = 1 - (2 * t / this.#width) ** 2;
    if (u < 0) return 0;
    let sum = 0;
    for (let k = this.#coefficients.length - 1; k >= 0; k--) sum = sum * u + this.#coefficients[k];
    return sum;
  }

  /**
   * The Fourier transform, integral of phi(t) exp(-2 pi i f t) dt:
   * J sinh(z) / (I0(beta) z) with z = sqrt(beta^2 - (pi J f)^2), and sin for an imaginary z.
   *
   * @param frequency f in cycles per grid point
   */
  transform(frequency: number): number {
    const square = this.#beta ** 2 - (Math.PI * this.#width * frequency) ** 2;
    const z = Math.sqrt(Math.abs(square));
    const quotient = z < 1e-8 ? 1 : (square > 0 ? Math.sinh(z) : Math.sin(z)) / z;
    return this.#width * quotient / this.#peak;
  }
}

/** The terms (x^2 / 4)^k / (k!)^2 of the modified Bessel function I0(x), those that a float64 sum notices. */
function besselTerms(x: number): number[] {
  const terms = [1];
  let sum = 1;
  for (let k = 1; terms[k - 1] > sum * 1e-17; k++) {
    terms.push(terms[k - 1] * (x * x / 4) / (k * k));
    sum += terms[k];
  }
  return terms;
}
