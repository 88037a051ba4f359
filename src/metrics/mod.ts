/**
 * How close two images are. Every metric gives one value per batch item.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { psnr } from "@deepinv/distributed/metrics";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = Tensor.full([1, 1, 8, 8], 0.5);
 * assert.ok(Math.abs(await psnr(image.add(0.1), image).item() - 20) < 1e-4); // dB
 * ```
 *
 * @module
 */
export { l1l2, lpNorm, type LpNormOptions, mae, mse, nmse, snr } from "./error_metrics.ts";
export type { MetricOptions } from "./metric_options.ts";
export type { PixelRange } from "./pixel_range.ts";
export { psnr, type PsnrOptions } from "./psnr.ts";
export { ssim, type SsimOptions } from "./ssim.ts";
