import type { BlurPadding } from "./blur_border.ts";

/** Prime factors that transforms are fast for, and what a stage of each costs. */
const STAGE_COSTS = [[2, 1], [3, 1.6], [5, 2.5], [7, 3.5]] as const;

/** The grid on which a blur is a periodic convolution. */
export interface FourierSizes {
  /** Its extents. */
  readonly sizes: readonly number[];
  /** Whether it is the image itself: periodic, and of sizes that transform fast. */
  readonly periodic: boolean;
}

/**
 * The extents of the transforms for images of a size: the image's own for periodic ones of fast sizes; else per axis the
 * fastest one that holds the continued image.
 */
export function fourierSizes(
  image: readonly number[],
  taps: readonly number[],
  padding: BlurPadding,
): FourierSizes {
  const sizes = image.map((n, d) => fastLength(padding === "valid" ? n : n + taps[d] - 1));
  const own = padding === "circular" ? image.map(lengthCost) : [];
  const periodic = padding === "circular" &&
    own.every((cost, d) => cost <= 1.2 * lengthCost(sizes[d]));
  return periodic ? { sizes: image, periodic } : { sizes, periodic };
}

/** The cheapest length in [least, 1.25 least]. */
function fastLength(least: number): number {
  let best = least;
  for (let length = least; length <= Math.max(1.25 * least, least + 8); length++) {
    if (lengthCost(length) < lengthCost(best)) best = length;
  }
  return best;
}

/** What transforming a line of this length costs, in units of a butterfly; Infinity for large prime factors. */
export function lengthCost(length: number): number {
  let rest = length, stages = 1;
  for (const [factor, cost] of STAGE_COSTS) {
    for (; rest % factor === 0; rest /= factor) stages += cost;
  }
  return rest === 1 ? length * stages : Infinity;
}
