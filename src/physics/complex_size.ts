import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * Height and width of complex images.
 *
 * @param imgSize (2, H, W), channels real and imaginary; (1, H, W), one complex channel, and (H, W) say the same
 * @throws {InvalidArgumentError} for anything else
 */
export function complexExtents(
  action: string,
  argument: string,
  imgSize: readonly number[],
): readonly [height: number, width: number] {
  const [height, width] = imgSize.slice(-2);
  const channels = imgSize.length === 3 ? imgSize[0] : 2;
  const fits = (imgSize.length === 2 || imgSize.length === 3) && (channels === 1 || channels === 2) &&
    [height, width].every((extent) => Number.isInteger(extent) && extent >= 1);
  if (fits) return [height, width];
  throw new InvalidArgumentError(
    action,
    argument,
    "(2, H, W), (1, H, W) or (H, W), whole numbers >= 1",
    formatShape(imgSize),
  );
}

/**
 * Refuses signals that are not (B, 2, ...rest).
 *
 * @throws {InvalidArgumentError} with both shapes
 */
export function requireComplex(action: string, signal: Tensor, rest: readonly number[]): void {
  const [batch, ...others] = signal.shape;
  if (batch !== undefined && formatShape(others) === formatShape([2, ...rest])) return;
  throw new InvalidArgumentError(
    action,
    "its argument",
    `of shape (B, 2, ${rest.join(", ")})`,
    formatShape(signal.shape),
  );
}
