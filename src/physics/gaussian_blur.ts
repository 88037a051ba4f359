import type { TensorOptions } from "../tensor/tensor.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** Options of {@link gaussianBlur}. */
export interface GaussianBlurOptions extends TensorOptions {
  /** Standard deviation in pixels, > 0: one for both axes, or [rows, columns]. */
  sigma: number | readonly [number, number];
  /** Rotation in degrees; default 0. */
  angle?: number;
  /** Height and width of the kernel; default 2 floor(max(sigma) / 0.3 + 1) + 1 for both. */
  psfSize?: number | readonly [number, number];
}

/**
 * A Gaussian point spread function of shape (1, 1, h, w) that sums to 1, with deepinv's convention:
 * exp(-((u / sigma_0)^2 + (v / sigma_1)^2) / 2) at u = cos(a) i + sin(a) j, v = cos(a) j - sin(a) i, where (i, j) are
 * (row, column) from the kernel's centre.
 *
 * @returns (1, 1, h, w)
 * @throws {InvalidArgumentError} when sigma is not positive, the angle not finite or psfSize not a whole number >= 1
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gaussianBlur, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const round = gaussianBlur({ sigma: 1 });
 * assert.deepEqual(round.shape, [1, 1, 9, 9]);
 * assert.ok(Math.abs(await round.sum().item() - 1) < 1e-6);
 *
 * const long = gaussianBlur({ sigma: [3, 1], psfSize: 15 }); // 3 along the rows, 1 along the columns
 * const turned = gaussianBlur({ sigma: [1, 3], angle: 90, psfSize: [15, 15] });
 * assert.ok(await long.sub(turned).abs().max().item() < 1e-6);
 * ```
 */
export function gaussianBlur(options: GaussianBlurOptions): Tensor {
  const [s0, s1] = pair(options.sigma ?? NaN);
  if (!(s0 > 0 && s0 < Infinity && s1 > 0 && s1 < Infinity)) {
    throw new InvalidArgumentError(
      "make a Gaussian kernel",
      "sigma",
      "finite and > 0",
      String(options.sigma),
    );
  }
  const radius = Math.floor(Math.max(s0, s1) / 0.3 + 1);
  const [height, width] = pair(options.psfSize ?? 2 * radius + 1);
  if (![height, width].every((size) => Number.isInteger(size) && size >= 1)) {
    throw new InvalidArgumentError(
      "make a Gaussian kernel",
      "psfSize",
      "whole numbers >= 1",
      String(options.psfSize),
    );
  }
  const { angle = 0 } = options;
  if (!Number.isFinite(angle)) {
    throw new InvalidArgumentError("make a Gaussian kernel", "angle", "finite", String(angle));
  }
  const values = gaussianValues([height, width], [s0, s1], angle);
  return Tensor.from(values, [1, 1, height, width], options);
}

/** The values of {@link gaussianBlur}, row by row. */
export function gaussianValues(
  [height, width]: readonly [number, number],
  [s0, s1]: readonly [number, number],
  degrees: number,
): Float64Array {
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const values = new Float64Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const i = row - (height - 1) / 2, j = column - (width - 1) / 2;
      const u = (cos * i + sin * j) / s0, v = (cos * j - sin * i) / s1;
      values[row * width + column] = Math.exp(-(u * u + v * v) / 2);
    }
  }
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}

function pair(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}
