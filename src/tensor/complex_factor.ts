import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Tensor } from "./tensor.ts";

/**
 * A fixed complex factor of signals (B, 2, ...), channel 0 real and 1 imaginary: w x = (Re w) x + (Im w) i x, where i x
 * exchanges the two channels and negates the first.
 */
export class ComplexFactor implements Disposable {
  readonly #real: Tensor;
  /** (-Im w, Im w), for the exchanged channels; absent for a real factor. */
  readonly #imaginary: Tensor | undefined;

  /**
   * Copies w.
   *
   * @param real Re w, of a shape (B|1, 1, ...) that broadcasts against the signals
   * @param imaginary Im w, of the same shape; by default 0
   * @throws {InvalidArgumentError} when the shapes differ or have no channel of extent 1
   */
  constructor(real: Tensor, imaginary?: Tensor) {
    const misfit = real.shape[1] !== 1
      ? real
      : imaginary && !sameExtents(real, imaginary)
      ? imaginary
      : undefined;
    if (misfit) {
      throw new InvalidArgumentError(
        "make a complex factor",
        "its parts",
        "of one shape (B, 1, ...)",
        formatShape(misfit.shape),
      );
    }
    this.#real = real.clone();
    if (!imaginary) return;
    using negated = imaginary.neg();
    this.#imaginary = Tensor.cat([negated, imaginary], 1);
  }

  /** w x */
  times(x: Tensor): Tensor {
    return this.#product(x, 1);
  }

  /** conj(w) x */
  conjugateTimes(x: Tensor): Tensor {
    return this.#product(x, -1);
  }

  /** Frees the copies. */
  [Symbol.dispose](): void {
    this.#real.dispose();
    this.#imaginary?.dispose();
  }

  #product(x: Tensor, sign: 1 | -1): Tensor {
    const direct = x.mul(this.#real);
    if (!this.#imaginary) return direct;
    using own = direct;
    using exchanged = x.flip(1);
    using crossed = exchanged.mul(this.#imaginary);
    return own.addScaled(crossed, sign);
  }
}

function sameExtents(a: Tensor, b: Tensor): boolean {
  return formatShape(a.shape) === formatShape(b.shape);
}
