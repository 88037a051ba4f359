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
 * @throws {InvalidArgumentError} when the shapes differ or max <= min
 *
 * @example
 * ```ts
 * import { openDevice, psnr, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = Tensor.full([2, 3, 16, 16], 0.5);
 * const noisy = image.add(0.1);
 * console.log(await psnr(noisy, image).data()); // Float32Array [ 20, 20 ]
 * console.log(await psnr(noisy, image, { reduction: "mean", centerCrop: 8 }).item()); // 20
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
