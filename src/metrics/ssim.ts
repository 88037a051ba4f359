import { otherDims } from "../tensor/signal.ts";
import { sameShape, Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** The range of values that SSIM takes. */
export interface SsimOptions {
  /** Default 1. */
  max?: number;
  /** Default 0. */
  min?: number;
}

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
 * @throws {InvalidArgumentError} when the shapes differ or are too small, or max <= min
 */
export function ssim(x: Tensor, reference: Tensor, { max = 1, min = 0 }: SsimOptions = {}): Tensor {
  const action = "compute the SSIM";
  if (!(max > min)) throw new InvalidArgumentError(action, "max", "larger than min", `${max} and ${min}`);
  const large = x.shape.length === 4 && x.shape.slice(2).every((side) => side > RADIUS);
  if (!large || !sameShape(x.shape, reference.shape)) {
    const requirement = `of one shape (B, C, H, W), with H and W > ${RADIUS}`;
    const got = `${formatShape(x.shape)} and ${formatShape(reference.shape)}`;
    throw new InvalidArgumentError(action, "the images", requirement, got);
  }
  const c1 = (K1 * (max - min)) ** 2, c2 = (K2 * (max - min)) ** 2;
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
function quotient(p: Tensor, a: Tensor, b: Tensor, c: number): Tensor {
  using twice = p.mul(2);
  using above = twice.add(c);
  using sum = a.add(b);
  using below = sum.add(c);
  return above.div(below);
}
