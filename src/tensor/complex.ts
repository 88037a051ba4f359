import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Tensor } from "./tensor.ts";

/**
 * Complex values as this package lays them out: real parts (B, ...) and imaginary parts (B, ...) become (B, 2, ...).
 *
 * @param imaginary by default zeros
 * @throws {InvalidArgumentError} when the shapes differ
 */
export function toComplex(real: Tensor, imaginary?: Tensor): Tensor {
  if (imaginary) return Tensor.stack([real, imaginary], 1);
  using zeros = Tensor.zeros(real.shape, real);
  return Tensor.stack([real, zeros], 1);
}

/**
 * The real parts (B, ...) of complex values (B, 2, ...).
 *
 * @throws {InvalidArgumentError} when x is not complex
 */
export function realPart(x: Tensor): Tensor {
  return part(x, 0);
}

/**
 * The imaginary parts (B, ...) of complex values (B, 2, ...).
 *
 * @throws {InvalidArgumentError} when x is not complex
 */
export function imaginaryPart(x: Tensor): Tensor {
  return part(x, 1);
}

function part(x: Tensor, index: 0 | 1): Tensor {
  if (x.shape[1] !== 2) {
    throw new InvalidArgumentError(
      index === 0 ? "take the real part" : "take the imaginary part",
      "x",
      "of shape (B, 2, ...)",
      formatShape(x.shape),
    );
  }
  using cut = x.slice([null, [index, index + 1]]);
  return cut.reshape([x.shape[0], ...x.shape.slice(2)]);
}
