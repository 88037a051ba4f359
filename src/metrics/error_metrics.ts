import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { measure, type MetricOptions } from "./metric_options.ts";

/** The mean of (a - b)^2 of each item, shape (B,). */
export function meanSquare(a: Tensor, b: Tensor): Tensor {
  using difference = a.sub(b);
  using squares = difference.square();
  return squares.mean(otherDims(a));
}

function meanAbsolute(a: Tensor, b: Tensor): Tensor {
  using difference = a.sub(b);
  using magnitudes = difference.abs();
  return magnitudes.mean(otherDims(a));
}

/** ||a - b||^2 / ||b||^2 of each item. */
function relativeSquare(a: Tensor, b: Tensor): Tensor {
  using error = meanSquare(a, b);
  using squares = b.square();
  using size = squares.mean(otherDims(b));
  return error.div(size);
}

/**
 * The mean squared error of each batch item, shape (B,).
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ or an option does not fit
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mse, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const reference = Tensor.zeros([2, 1, 2, 2]);
 * const x = Tensor.from([1, 1, 1, 1, 2, 2, 2, 2], [2, 1, 2, 2]);
 * assert.deepEqual(await mse(x, reference).data(), Float32Array.of(1, 4)); // one value per image
 * assert.equal(await mse(x, reference, { reduction: "mean" }).item(), 2.5);
 * ```
 */
export function mse(x: Tensor, reference: Tensor, options: MetricOptions = {}): Tensor {
  return measure(x, reference, options, meanSquare);
}

/**
 * The mean absolute error of each batch item, shape (B,).
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ or an option does not fit
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mae, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.from([0, 2, -4, 2], [1, 1, 2, 2]);
 * assert.equal(await mae(x, Tensor.zeros([1, 1, 2, 2])).item(), 2);
 * // Complex images by their magnitudes: |3 + 4 i| = 5.
 * const field = Tensor.from([3, 4], [1, 2, 1, 1]);
 * assert.equal(await mae(field, Tensor.zeros([1, 2, 1, 1]), { complexAbs: true }).item(), 5);
 * ```
 */
export function mae(x: Tensor, reference: Tensor, options: MetricOptions = {}): Tensor {
  return measure(x, reference, options, meanAbsolute);
}

/**
 * The mean squared error over the reference's mean square, of each batch item, shape (B,).
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ or an option does not fit
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, nmse, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const reference = deadLeaves({ size: 16, seed: 1 });
 * const error = await nmse(reference.mul(1.1), reference).item(); // whatever the reference's scale
 * assert.ok(Math.abs(error - 0.1 ** 2) < 1e-5);
 * ```
 */
export function nmse(x: Tensor, reference: Tensor, options: MetricOptions = {}): Tensor {
  return measure(x, reference, options, relativeSquare);
}

/**
 * The signal-to-noise ratio 20 log10(||reference|| / ||x - reference||) of each batch item in dB, shape (B,).
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ or an option does not fit
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, openDevice, setDefaultDevice, snr } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const reference = deadLeaves({ size: 16, seed: 1 });
 * const decibels = await snr(reference.mul(1.1), reference).item();
 * assert.ok(Math.abs(decibels - 20) < 1e-2); // the error is a tenth of the signal
 * ```
 */
export function snr(x: Tensor, reference: Tensor, options: MetricOptions = {}): Tensor {
  return measure(x, reference, options, (image, truth) => {
    using ratio = relativeSquare(image, truth);
    using logarithm = ratio.log();
    return logarithm.mul(-10 / Math.LN10);
  });
}

/**
 * alpha MAE + (1 - alpha) MSE of each batch item, shape (B,).
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @param options.alpha in [0, 1]; default 0.5
 * @throws {InvalidArgumentError} when the shapes differ or alpha is out of range
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { l1l2, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.full([1, 1, 2, 2], 2), reference = Tensor.zeros([1, 1, 2, 2]);
 * assert.equal(await l1l2(x, reference).item(), 0.5 * 2 + 0.5 * 4);
 * assert.equal(await l1l2(x, reference, { alpha: 1 }).item(), 2); // the mean absolute error
 * ```
 */
export function l1l2(x: Tensor, reference: Tensor, options: MetricOptions & { alpha?: number } = {}): Tensor {
  const { alpha = 0.5 } = options;
  if (!(alpha >= 0 && alpha <= 1)) {
    throw new InvalidArgumentError("compare images", "alpha", "in [0, 1]", String(alpha));
  }
  return measure(x, reference, options, (image, truth) => {
    using absolute = meanAbsolute(image, truth);
    using squared = meanSquare(image, truth);
    using share = absolute.mul(alpha);
    return share.addScaled(squared, 1 - alpha);
  });
}

/** Options of {@link lpNorm}. */
export interface LpNormOptions extends MetricOptions {
  /** The order, > 0; default 2. */
  p?: number;
  /** Takes max(x, reference) in the place of the difference, as deepinv does; default false. */
  onesided?: boolean;
}

/**
 * ||x - reference||_p^p, the sum of |x - reference|^p over each batch item, shape (B,).
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ or p is not positive
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { lpNorm, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.from([3, 4, 0, 0], [1, 1, 2, 2]), reference = Tensor.zeros([1, 1, 2, 2]);
 * assert.equal(await lpNorm(x, reference).item(), 25); // the sum of squares
 * assert.equal(await lpNorm(x, reference, { p: 1 }).item(), 7);
 * assert.ok(Math.abs(await lpNorm(x, reference, { p: 3 }).item() - (27 + 64)) < 1e-3);
 * ```
 */
export function lpNorm(x: Tensor, reference: Tensor, options: LpNormOptions = {}): Tensor {
  const { p = 2, onesided = false } = options;
  if (!(p > 0 && p < Infinity)) {
    throw new InvalidArgumentError("compare images", "p", "finite and > 0", String(p));
  }
  return measure(x, reference, options, (image, truth) => {
    using signed = onesided ? image.maximum(truth) : image.sub(truth);
    using size = signed.abs();
    using powers = power(size, p);
    return powers.sum(otherDims(powers));
  });
}

/** size^p for size >= 0, where 0^p is 0. */
function power(size: Tensor, p: number): Tensor {
  if (p === 1) return size.clone();
  if (p === 2) return size.square();
  using logarithm = size.log();
  using scaled = logarithm.mul(p);
  using raised = scaled.exp();
  using some = size.greater(0);
  return some.where(raised, 0);
}
