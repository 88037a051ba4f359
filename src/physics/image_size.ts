import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * Refuses sizes that are not of images: as many whole numbers >= 1 as a layout has.
 *
 * @param layouts the sizes allowed, e.g. `["(C, H, W)"]`
 * @throws {InvalidArgumentError} naming imgSize
 */
export function requireImageSize(
  action: string,
  imgSize: unknown,
  layouts: readonly string[] = ["(C, H, W)"],
): asserts imgSize is readonly number[] {
  const ranks = layouts.map((layout) => layout.split(",").length);
  const isList = Array.isArray(imgSize);
  if (
    isList && ranks.includes(imgSize.length) &&
    imgSize.every((extent) => Number.isInteger(extent) && extent >= 1)
  ) return;
  throw new InvalidArgumentError(
    action,
    "imgSize",
    `${layouts.join(" or ")}, whole numbers >= 1`,
    isList ? formatShape(imgSize) : String(imgSize),
  );
}

/**
 * Refuses signals that are not (B, ...rest).
 *
 * @throws {InvalidArgumentError} with both shapes
 */
export function requireItems(
  action: string,
  argument: string,
  signal: Tensor,
  rest: readonly number[],
): void {
  if (formatShape(signal.shape.slice(1)) === formatShape(rest)) return;
  throw new InvalidArgumentError(
    action,
    argument,
    `of shape (B, ${rest.join(", ")})`,
    formatShape(signal.shape),
  );
}
