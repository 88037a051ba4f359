import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { sameShape } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** The range of the values that PSNR takes as the largest possible error. */
export interface PsnrOptions {
  /** Default 1. */
  max?: number;
  /** Default 0. */
  min?: number;
}

/**
 * The mean squared error of each batch item, shape (B,).
 *
 * @throws {InvalidArgumentError} when the shapes differ
 */
export function mse(x: Tensor, reference: Tensor): Tensor {
  if (!sameShape(x.shape, reference.shape)) {
    throw new InvalidArgumentError(
      "compare images",
      "both",
      `of one shape, here ${formatShape(reference.shape)}`,
      formatShape(x.shape),
    );
  }
  using difference = x.sub(reference);
  using squares = difference.square();
  return squares.mean(otherDims(x));
}

/**
 * The peak signal-to-noise ratio of each batch item in dB, shape (B,), with deepinv's floor:
 * -10 log10(MSE / (max - min)^2 + 1e-8), so that identical images give 80 dB.
 *
 * @throws {InvalidArgumentError} when the shapes differ or max <= min
 */
export function psnr(x: Tensor, reference: Tensor, { max = 1, min = 0 }: PsnrOptions = {}): Tensor {
  if (!(max > min)) {
    throw new InvalidArgumentError("compute the PSNR", "max", "larger than min", `${max} and ${min}`);
  }
  using error = mse(x, reference);
  using relative = error.mul(1 / (max - min) ** 2);
  using floored = relative.add(1e-8);
  using logarithm = floored.log();
  return logarithm.mul(-10 / Math.LN10);
}
