import { perItem } from "../../tensor/signal.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import type { GaussianMixtureModel } from "./gaussian_mixture.ts";
import { PatchGrid } from "./patch_grid.ts";

/** The factors of the noise's precision that EPLL goes through, as in deepinv. */
export const EPLL_SCHEDULE: readonly number[] = [1, 4, 8, 16, 32];

/** The patches that are looked at together where the caller does not say. */
const PATCHES_AT_ONCE = 8192;

/**
 * The mean of the estimates of all patches that cover a pixel, each the most likely given noise of variance 1 / beta:
 * (sum_i P_i^T P_i)^-1 sum_i P_i^T z_i (Zoran and Weiss, 2011).
 *
 * @param x (B, C, H, W)
 * @param betas one for every item, > 0
 * @param batchSize patches at once, -1 for all; no effect on the result
 * @returns a new tensor of x's shape
 */
export async function patchEstimate(
  gmm: GaussianMixtureModel,
  x: Tensor,
  patchSize: number,
  betas: readonly number[],
  batchSize = PATCHES_AT_ONCE,
): Promise<Tensor> {
  const [batch, channels, height, width] = x.shape;
  const grid = new PatchGrid({ imgSize: [channels, height, width], patchSize });
  if (!Number.isInteger(batchSize) || batchSize === 0 || batchSize < -1) {
    const got = String(batchSize);
    throw new InvalidArgumentError("estimate patches", "batchSize", "a whole number >= 1, or -1", got);
  }
  const image = await x.data(), pixels = channels * height * width;
  const estimate = new Float32Array(image.length);
  for (let item = 0; item < batch; item++) {
    const sums = new Float64Array(pixels), counts = new Float32Array(pixels);
    const most = batchSize === -1 ? grid.count : batchSize;
    for (let first = 0; first < grid.count; first += most) {
      const positions = grid.positions(first, most);
      const rows = grid.read(image, item * pixels, positions);
      await gmm.estimate(rows, 1 / betas[item]);
      grid.add(rows, sums, 0, positions);
      grid.add(rows.fill(1), counts, 0, positions);
    }
    estimate.set(sums.map((sum, pixel) => sum / counts[pixel]), item * pixels);
  }
  return Tensor.from(estimate, x.shape, x);
}

/** @throws {InvalidArgumentError} when a level is not a finite number > 0 */
export function requireBetas(action: string, betas: readonly number[] | undefined): void {
  const wrong = betas?.find((beta) => !(beta > 0 && beta < Infinity));
  if (wrong === undefined) return;
  throw new InvalidArgumentError(action, "betas", "finite numbers > 0", String(wrong));
}

/**
 * The noise level of every item of y.
 *
 * @param sigma a number or (B,)
 * @throws {InvalidArgumentError} for another number of values, and for one that is not finite and >= 0
 */
export async function noiseLevels(action: string, y: Tensor, sigma: number | Tensor): Promise<number[]> {
  let values: ArrayLike<number> = [sigma as number];
  if (sigma instanceof Tensor) {
    using shaped = perItem(sigma, y, action, "sigma");
    values = await shaped.data();
  }
  for (const value of Array.from(values)) {
    if (value >= 0 && value < Infinity) continue;
    throw new InvalidArgumentError(action, "sigma", "finite and >= 0", String(value));
  }
  return Array.from({ length: y.shape[0] }, (_, b) => values[values.length === 1 ? 0 : b]);
}
