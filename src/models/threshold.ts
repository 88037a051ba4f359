import { perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * A denoiser's threshold, ready to broadcast against x: a tensor of its own.
 *
 * @param threshold a number >= 0, or one value per item
 * @throws {InvalidArgumentError} for another number of values, a negative or non-finite number, and an x that is not of
 * shape (B, C, H, W), or, with `volumes`, (B, C, D, H, W)
 */
export function broadcastThreshold(
  owner: string,
  x: Tensor,
  threshold: number | Tensor,
  volumes = false,
): Tensor {
  const action = `denoise with ${owner}`;
  requireImages(owner, x, volumes);
  if (threshold instanceof Tensor) return perItem(threshold, x, action, "the threshold");
  if (!(threshold >= 0 && threshold < Infinity)) {
    throw new InvalidArgumentError(
      action,
      "the threshold",
      "a finite number >= 0 or a Tensor",
      String(threshold),
    );
  }
  return Tensor.full(x.shape.map(() => 1), threshold, x);
}

/** @throws {InvalidArgumentError} when x is not of shape (B, C, H, W), or, with `volumes`, (B, C, D, H, W) */
export function requireImages(owner: string, x: Tensor, volumes = false): void {
  if (x.shape.length === 4 || (volumes && x.shape.length === 5)) return;
  const requirement = `of shape (B, C, H, W)${volumes ? " or (B, C, D, H, W)" : ""}`;
  throw new InvalidArgumentError(`denoise with ${owner}`, "x", requirement, formatShape(x.shape));
}
