import type { Tensor } from "../tensor/tensor.ts";
import { meanSquare } from "./error_metrics.ts";
import { measure, type MetricOptions } from "./metric_options.ts";
import { type PixelRange, rangeOf } from "./pixel_range.ts";

/** Options of {@link psnr}. */
export interface PsnrOptions extends MetricOptions, PixelRange {}

/**
 * The peak signal-to-noise ratio of each batch item in dB, shape (B,), with deepinv's floor:
 * -10 log10(MSE / (max - min)^2 + 1e-8), so that identical images give 80 dB.
 *
 * @param x (B, ...), usually (B, C, H, W)
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ, an option does not fit, or max <= min
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, psnr, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = Tensor.full([2, 3, 16, 16], 0.5);
 * const noisy = image.add(0.1);
 * const decibels = await psnr(noisy, image).data(); // one value per image
 * assert.ok(decibels.length === 2 && decibels.every((value) => Math.abs(value - 20) < 1e-4));
 * const middle = psnr(noisy.mul(255), image.mul(255), { maxPixel: 255, centerCrop: 8, reduction: "mean" });
 * assert.ok(Math.abs(await middle.item() - 20) < 1e-4);
 * assert.ok(Math.abs(await psnr(image, image, { reduction: "mean" }).item() - 80) < 1e-3); // the most there is
 * ```
 */
export function psnr(x: Tensor, reference: Tensor, options: PsnrOptions = {}): Tensor {
  return measure(x, reference, options, (image, truth) => {
    using range = rangeOf("compute the PSNR", truth, options);
    using peak = range.square();
    using error = meanSquare(image, truth);
    using relative = error.div(peak);
    using floored = relative.add(1e-8);
    using logarithm = floored.log();
    return logarithm.mul(-10 / Math.LN10);
  });
}
