import { otherDims } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** The range of pixel values that a metric is relative to. */
export interface PixelRange {
  /** The largest value; `null` for the reference's own, item by item. Default 1. */
  maxPixel?: number | null;
  /** The smallest value; `null` for the reference's own, item by item. Default 0. */
  minPixel?: number | null;
  /** The same as `maxPixel`. */
  max?: number;
  /** The same as `minPixel`. */
  min?: number;
}

/**
 * max - min of every item, shape (B,), a new tensor.
 *
 * @throws {InvalidArgumentError} when max <= min
 */
export function rangeOf(action: string, reference: Tensor, range: PixelRange): Tensor {
  const { max = 1, min = 0 } = range;
  const { maxPixel = max, minPixel = min } = range;
  if (maxPixel !== null && minPixel !== null && !(maxPixel > minPixel)) {
    throw new InvalidArgumentError(action, "max", "larger than min", `${maxPixel} and ${minPixel}`);
  }
  const edge = (value: number | null, own: () => Tensor) =>
    value === null ? own() : Tensor.full([reference.shape[0]], value, reference);
  using top = edge(maxPixel, () => reference.max(otherDims(reference)));
  using bottom = edge(minPixel, () => reference.min(otherDims(reference)));
  return top.sub(bottom);
}
