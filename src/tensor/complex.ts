import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Tensor } from "./tensor.ts";

/**
 * Complex values as this package lays them out: real parts (B, ...) and imaginary parts (B, ...) become (B, 2, ...).
 *
 * @param imaginary by default zeros
 * @throws {InvalidArgumentError} when the shapes differ
 *
 * @example A complex image for MRI
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, toComplex } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using magnitude = Tensor.ones([1, 8, 8]);
 * using real = toComplex(magnitude); // imaginary parts are 0
 * using rotated = toComplex(Tensor.zeros([1, 8, 8]), magnitude); // times i
 * assert.deepEqual(rotated.shape, [1, 2, 8, 8]);
 * assert.equal(await real.dot(rotated).item(), 0);
 * ```
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
 *
 * @example The magnitude of a spectrum
 * ```ts
 * import assert from "node:assert/strict";
 * import { fft, imaginaryPart, openDevice, realPart } from "@deepinv/distributed/tensor";
 * import { setDefaultDevice, Tensor, toComplex } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using spectrum = fft(toComplex(Tensor.from([0, 1, 0, 0], [1, 4])), [-1]); // of a shifted impulse
 * using re = realPart(spectrum), im = imaginaryPart(spectrum);
 * using magnitude = re.square().add(im.square()).sqrt();
 * assert.deepEqual(magnitude.shape, [1, 4]);
 * assert((await magnitude.data()).every((value) => Math.abs(value - 1) < 1e-6));
 * ```
 */
export function realPart(x: Tensor): Tensor {
  return part(x, 0);
}

/**
 * The imaginary parts (B, ...) of complex values (B, 2, ...).
 *
 * @throws {InvalidArgumentError} when x is not complex
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { imaginaryPart, openDevice, setDefaultDevice, Tensor, toComplex } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using z = toComplex(Tensor.from([[1, 2]]), Tensor.from([[3, 4]])); // 1 + 3i, 2 + 4i: shape (1, 2, 2)
 * using imaginary = imaginaryPart(z);
 * assert.deepEqual(imaginary.shape, [1, 2]);
 * assert.deepEqual([...await imaginary.data()], [3, 4]);
 * ```
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
