import { otherDims, perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { measure, type MetricOptions } from "./metric_options.ts";
import { type PixelRange, rangeOf } from "./pixel_range.ts";

/** Options of {@link ssim}. */
export interface SsimOptions extends MetricOptions, PixelRange {}

/** The Gaussian window's radius in pixels and its standard deviation. */
const RADIUS = 5, SIGMA = 1.5;
/** Shares of the range that keep the quotients stable. */
const K1 = 0.01, K2 = 0.03;

/**
 * The structural similarity of each batch item, shape (B,), at most 1 (Wang et al., 2004): with means m, variances s and
 * the covariance c under a Gaussian window of 11 x 11 pixels (sigma 1.5, borders mirrored), the mean over all pixels and
 * channels of (2 m_x m_y + C1) (2 c + C2) / ((m_x^2 + m_y^2 + C1) (s_x + s_y + C2)).
 *
 * @param x (B, C, H, W), H and W at least 6
 * @param reference of x's shape
 * @returns a new tensor (B,), or a scalar with `reduction`
 * @throws {InvalidArgumentError} when the shapes differ or are too small, an option does not fit, or max <= min
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { colourScene, openDevice, setDefaultDevice, ssim, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = colourScene({ size: 16 });
 * assert.ok(Math.abs(await ssim(image, image).item() - 1) < 1e-6);
 * const noisy = image.addScaled(Tensor.randn(image.shape, { seed: 1 }), 0.2);
 * const similarity = await ssim(noisy, image).item();
 * assert.ok(similarity > 0 && similarity < 0.8);
 * const bytes = ssim(noisy.mul(255), image.mul(255), { maxPixel: 255 }); // images in [0, 255]: the same value
 * assert.ok(Math.abs(await bytes.item() - similarity) < 1e-4);
 * ```
 */
export function ssim(x: Tensor, reference: Tensor, options: SsimOptions = {}): Tensor {
  return measure(x, reference, options, (image, truth) => {
    const large = image.shape.length === 4 && image.shape.slice(2).every((side) => side > RADIUS);
    if (!large) {
      const requirement = `of shape (B, C, H, W), with H and W > ${RADIUS}`;
      throw new InvalidArgumentError("compute the SSIM", "the images", requirement, formatShape(image.shape));
    }
    using range = rangeOf("compute the SSIM", truth, options);
    return similarity(image, truth, range);
  });
}

/** The SSIM of each item for a range of values for each. */
function similarity(x: Tensor, reference: Tensor, range: Tensor): Tensor {
  using squared = range.square();
  using shaped = perItem(squared, x);
  using c1 = shaped.mul(K1 ** 2);
  using c2 = shaped.mul(K2 ** 2);
  using window = gaussian(x);
  using mx = smoothed(x, window);
  using my = smoothed(reference, window);
  using products = mx.mul(my);
  using squaresX = mx.square();
  using squaresY = my.square();
  using raw = centred(x, reference, products, window);
  using rawX = centred(x, x, squaresX, window);
  using rawY = centred(reference, reference, squaresY, window);
  using varianceX = rawX.relu();
  using varianceY = rawY.relu();
  using luminance = quotient(products, squaresX, squaresY, c1);
  using structure = quotient(raw, varianceX, varianceY, c2);
  using map = luminance.mul(structure);
  return map.mean(otherDims(map));
}

/** The window's vertical half; it is separable. */
function gaussian(like: Tensor): Tensor {
  const taps = Array.from({ length: 2 * RADIUS + 1 }, (_, k) => Math.exp(-(((k - RADIUS) / SIGMA) ** 2) / 2));
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  return Tensor.from(taps.map((tap) => tap / total), [1, 1, taps.length, 1], like);
}

/** The mean under the window. */
function smoothed(image: Tensor, window: Tensor): Tensor {
  using padded = image.pad([[RADIUS, RADIUS], [RADIUS, RADIUS]], "reflect");
  using vertical = padded.correlate(window);
  using across = window.reshape([1, 1, 1, 2 * RADIUS + 1]);
  return vertical.correlate(across);
}

/** The mean of a b under the window, less the product of the means. */
function centred(a: Tensor, b: Tensor, means: Tensor, window: Tensor): Tensor {
  using product = a.mul(b);
  using mean = smoothed(product, window);
  return mean.sub(means);
}

/** (2 p + c) / (a + b + c) */
function quotient(p: Tensor, a: Tensor, b: Tensor, c: Tensor): Tensor {
  using twice = p.mul(2);
  using above = twice.add(c);
  using sum = a.add(b);
  using below = sum.add(c);
  return above.div(below);
}
