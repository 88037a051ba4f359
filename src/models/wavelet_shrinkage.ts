import { perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/**
 * What happens to a wavelet coefficient c with a threshold t:
 *
 * - `soft`: sign(c) max(|c| - t, 0);
 * - `hard`: c where |c| >= t, else 0;
 * - `topk`: of every band of every item, only the largest in magnitude stay: a share t <= 1 of them, or t of them.
 */
export type NonLinearity = "soft" | "hard" | "topk";

/** The non-linearities by name. */
export const NON_LINEARITIES: readonly NonLinearity[] = ["soft", "hard", "topk"];

/**
 * Coefficients behind `soft` or `hard`.
 *
 * @param threshold broadcasts against them
 */
export function shrink(coefficients: Tensor, threshold: Tensor, kind: "soft" | "hard"): Tensor {
  if (kind === "hard") {
    using magnitudes = coefficients.abs();
    using large = magnitudes.greaterEqual(threshold);
    return large.where(coefficients, 0);
  }
  using below = threshold.neg();
  using capped = coefficients.minimum(threshold);
  using inside = capped.maximum(below);
  return coefficients.sub(inside);
}

/** How many values of a band of `size` stay: a share up to 1 of a number, or a count. */
export function keptCount(threshold: number, size: number, isShare: boolean): number {
  return Math.min(size, Math.floor(isShare ? threshold * size : threshold));
}

/** A band of which, in every item, only the `counts[item]` values of largest magnitude stay; earlier ones first. */
export async function keepLargest(band: Tensor, counts: readonly number[]): Promise<Tensor> {
  const values = await band.data();
  const size = values.length / counts.length;
  const kept = new Float32Array(values.length);
  for (const [item, count] of counts.entries()) {
    const places = Array.from({ length: size }, (_, i) => item * size + i);
    places.sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]));
    for (const i of places.slice(0, count)) kept[i] = values[i];
  }
  return Tensor.from(kept, band.shape, { device: band.device });
}

/**
 * A threshold as a tensor that broadcasts against x, and as one number per item.
 *
 * @throws {InvalidArgumentError} for another number of values than one or one per item, and for negative ones
 */
export async function thresholdOf(
  owner: string,
  x: Tensor,
  threshold: number | Tensor,
): Promise<{ tensor: Tensor; values: number[] }> {
  const action = `denoise with ${owner}`;
  const dims = x.shape.map(() => 1);
  const tensor = threshold instanceof Tensor
    ? perItem(threshold, x, action, "the threshold")
    : Tensor.full(dims, threshold, x);
  const values = threshold instanceof Tensor ? [...await tensor.data()] : [threshold];
  const wrong = values.find((value) => !(value >= 0 && value < Infinity));
  if (wrong !== undefined) {
    tensor.dispose();
    const requirement = "finite and >= 0: a number or a Tensor";
    throw new InvalidArgumentError(action, "the threshold", requirement, String(wrong));
  }
  return { tensor, values: x.shape[0] === values.length ? values : Array(x.shape[0]).fill(values[0]) };
}
