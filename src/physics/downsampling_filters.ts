import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { gaussianBlur } from "./gaussian_blur.ts";

/** Anti-aliasing filters by name; `factor` sets their width. */
export type FilterName = "gaussian" | "bilinear" | "bicubic" | "sinc";

/** The names, for checks and messages. */
export const FILTER_NAMES: readonly FilterName[] = ["gaussian", "bilinear", "bicubic", "sinc"];

/**
 * A filter (1, 1, n, n) that sums to 1, the outer product of one of these with itself (f is the factor):
 *
 * - `gaussian`: standard deviation f;
 * - `bilinear`: 2f taps 1 - |t|, t = (-f + 0.5 ... f - 0.5) / f;
 * - `bicubic`: 4f taps of Keys' cubic (a = -0.5), t = (-2f + 0.5 ... 2f - 0.5) / f;
 * - `sinc`: 4f taps sinc(n / f) under a Kaiser window.
 *
 * @param factor f, a whole number >= 1; for `gaussian` any finite number > 0
 * @throws {InvalidArgumentError} for another name or factor
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { downsamplingFilter, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const bilinear = downsamplingFilter("bilinear", 2);
 * assert.deepEqual(bilinear.shape, [1, 1, 4, 4]);
 * const profile = await bilinear.sum(-1).data(); // one axis of the outer product
 * assert.deepEqual(profile, Float32Array.of(1 / 8, 3 / 8, 3 / 8, 1 / 8));
 * assert.ok(Math.abs(await downsamplingFilter("sinc", 3).sum().item() - 1) < 1e-6);
 * ```
 */
export function downsamplingFilter(name: FilterName, factor: number, options: TensorOptions = {}): Tensor {
  requireNamed(name, factor);
  if (name === "gaussian") return gaussianBlur({ sigma: factor, ...options });
  const taps = name === "bilinear"
    ? bilinearTaps(factor)
    : name === "bicubic"
    ? bicubicTaps(factor)
    : sincTaps(factor);
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  const outer = taps.flatMap((row) => taps.map((column) => (row * column) / (total * total)));
  return Tensor.from(outer, [1, 1, taps.length, taps.length], options);
}

function requireNamed(name: FilterName, factor: number): void {
  const action = "make a downsampling filter";
  if (!FILTER_NAMES.includes(name)) {
    throw new InvalidArgumentError(action, "name", `one of ${FILTER_NAMES.join(", ")}`, `"${name}"`);
  }
  if (name === "gaussian" || (Number.isInteger(factor) && factor >= 1)) return;
  throw new InvalidArgumentError(action, "factor", "a whole number >= 1", String(factor));
}

/** Positions -radius + 0.5 ... radius - 0.5, in units of the factor. */
function positions(radius: number, factor: number): number[] {
  return Array.from({ length: 2 * radius }, (_, k) => (k - radius + 0.5) / factor);
}

function bilinearTaps(factor: number): number[] {
  return positions(factor, factor).map((t) => 1 - Math.abs(t));
}

/** Keys, "Cubic convolution interpolation for digital image processing", 1981. */
function bicubicTaps(factor: number): number[] {
  const a = -0.5;
  return positions(2 * factor, factor).map((t) => {
    const x = Math.abs(t);
    if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
    return x < 2 ? a * (x ** 3 - 5 * x ** 2 + 8 * x - 4) : 0;
  });
}

/** A low-pass filter designed by Kaiser's formulas for its transition width and attenuation. */
function sincTaps(factor: number): number[] {
  const length = 4 * factor;
  const transition = (2 * (2 - Math.SQRT2)) / factor;
  const attenuation = 2.285 * (length - 1) * Math.PI * transition + 7.95;
  const beta = attenuation < 21
    ? 0
    : attenuation <= 50
    ? 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    : 0.1102 * (attenuation - 8.7);
  return Array.from({ length }, (_, k) => {
    const n = k - (length - 1) / 2;
    const x = (Math.PI * n) / factor;
    const window = besselI0(beta * Math.sqrt(Math.max(0, 1 - ((2 * n) / (length - 1)) ** 2))) /
      besselI0(beta);
    return (x === 0 ? 1 : Math.sin(x) / x) * window;
  });
}

/** The modified Bessel function of the first kind and order 0, by its power series. */
function besselI0(x: number): number {
  let term = 1, sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
