import { sameShape, Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import type { DistributedSignalStrategy } from "./strategies/strategy.ts";

/** A noise level for a batch of tiles; a tensor made for it is freed with it. */
export interface BatchLevel extends Disposable {
  /** What the denoiser gets. */
  readonly sigma: number | Tensor;
}

/**
 * The noise level of a batch of tiles of x, in which every tile stands for all of x's items: one value per item, (B,) or
 * (B, 1, 1, 1), repeats for every tile; a map (1|B, 1|C, H, W) is cut as the image is.
 *
 * @throws {InvalidArgumentError} for a tensor of any other shape
 */
export function levelOf(
  strategy: DistributedSignalStrategy,
  x: Tensor,
  sigma: number | Tensor,
  indices: readonly number[],
): BatchLevel {
  if (typeof sigma === "number" || sigma.numel === 1) return { sigma, [Symbol.dispose]: () => {} };
  requireLevel(x, sigma);
  const spatial = sigma.shape.slice(1).some((extent) => extent > 1);
  const parts = spatial ? cutMap(strategy, x, sigma, indices) : indices.map(() => sigma.reshape(sigma.shape));
  const level = Tensor.cat(parts, 0);
  parts.forEach((part) => part.dispose());
  return { sigma: level, [Symbol.dispose]: () => level.dispose() };
}

function requireLevel(x: Tensor, sigma: Tensor): void {
  const perItem = sigma.shape[0] === x.shape[0] && sigma.numel === x.shape[0];
  const map = sigma.shape.length === x.shape.length &&
    sigma.shape.every((extent, d) => extent === 1 || extent === x.shape[d]);
  if (perItem || map) return;
  throw new InvalidArgumentError(
    "denoise tiles",
    "sigma",
    `a number, one value per item (${x.shape[0]},), or a map that broadcasts to ${formatShape(x.shape)}`,
    formatShape(sigma.shape),
  );
}

function cutMap(
  strategy: DistributedSignalStrategy,
  x: Tensor,
  sigma: Tensor,
  indices: readonly number[],
): Tensor[] {
  const wanted = [x.shape[0], sigma.shape[1], ...x.shape.slice(2)];
  using map = sameShape(sigma.shape, wanted) ? sigma.reshape(wanted) : sigma.expand(wanted);
  return strategy.getLocalPatches(map, indices).map(([, patch]) => patch);
}
