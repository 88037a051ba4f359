import { OutOfMemoryError } from "../compute/errors.ts";
import { PlanningDevice } from "../compute/planning_device.ts";
import type { Denoiser } from "../models/denoiser.ts";
import { maxBatchSizeFor, memoryPlan } from "../models/memory_plan.ts";
import { NetworkDenoiser } from "../models/network_denoiser.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { DistributedContext } from "./context.ts";
import type { TilePlan } from "./tile_plan.ts";

/** How a rank's tiles go through a denoiser, and what its device holds meanwhile. */
export interface TileMemory {
  /** This rank's tiles. */
  readonly tiles: number;
  /** Most tiles in a batch; `Infinity`: all of them. */
  readonly maxBatchSize: number;
  /**
   * Bytes that this rank's device holds at most for one batch, its input and result included; 0 without tiles, `undefined`
   * where the denoiser's memory cannot be known before it runs: all but networks.
   */
  readonly peak: number | undefined;
}

/** A shape of tiles, and how many tiles have it. */
type TileShapes = ReadonlyMap<string, { readonly shape: readonly number[]; readonly count: number }>;

/**
 * Plans the batches of a rank's tiles. For `"auto"`: the largest that take at most half of the memory that is left, and leave
 * room for all tiles, for networks; all tiles for other denoisers.
 *
 * @param x shape of the images
 * @param agree whether all ranks call this, which then take the least of their batch sizes
 * @throws {OutOfMemoryError} with `"auto"`, when a single tile needs more than a device has left: on that rank, or with
 * `agree` on all ranks
 */
export async function tileMemory(
  ctx: DistributedContext,
  processor: Pick<Denoiser, "forward">,
  plan: TilePlan,
  x: readonly number[],
  { limit, agree }: { limit: number | "auto" | undefined; agree: boolean },
): Promise<TileMemory> {
  const tiles = plan.own.length;
  if (!(processor instanceof NetworkDenoiser)) {
    return { tiles, maxBatchSize: limit === "auto" ? Infinity : limit ?? Infinity, peak: undefined };
  }
  const shapes = tileShapes(ctx, plan, x);
  let maxBatchSize = limit === "auto" ? await largestBatch(ctx, processor, shapes, x) : limit ?? Infinity;
  if (limit === "auto" && agree && ctx.isDistributed) maxBatchSize = await least(ctx, maxBatchSize);
  if (limit === "auto" && maxBatchSize < 1) throw await tooLarge(ctx, processor, shapes, agree);
  let peak = 0;
  for (const { shape, count } of shapes.values()) {
    peak = Math.max(peak, await batchPeak(ctx, processor, shape, Math.min(count, maxBatchSize)));
  }
  return { tiles, maxBatchSize, peak };
}

function batchPeak(
  ctx: DistributedContext,
  processor: NetworkDenoiser,
  [items, ...rest]: readonly number[],
  batch: number,
): Promise<number> {
  return memoryPlan(processor, [batch * items, ...rest], ctx.device);
}

/** The shapes of this rank's tiles, found without memory on the device. */
function tileShapes(ctx: DistributedContext, { strategy, own }: TilePlan, x: readonly number[]): TileShapes {
  const shapes = new Map<string, { shape: readonly number[]; count: number }>();
  using signal = Tensor.empty(x, { device: new PlanningDevice(ctx.device) });
  for (const [, patch] of strategy.getLocalPatches(signal, own)) {
    const key = patch.shape.join("x");
    shapes.set(key, { shape: patch.shape, count: (shapes.get(key)?.count ?? 0) + 1 });
    patch.dispose();
  }
  return shapes;
}

/** What fits here: Infinity when everything does, 0 when not even one tile does. */
async function largestBatch(
  ctx: DistributedContext,
  processor: NetworkDenoiser,
  shapes: TileShapes,
  x: readonly number[],
): Promise<number> {
  const { budget, live } = ctx.device.memory();
  const forBatch = Math.min((budget - live) / 2, budget - live - imageBytes(ctx, shapes, x));
  let largest = Infinity;
  for (const { shape, count } of shapes.values()) {
    if (await batchPeak(ctx, processor, shape, 1) > budget - live) return 0;
    const batch = await maxBatchSizeFor(processor, shape, count, ctx.device, forBatch);
    if (batch < count) largest = Math.min(largest, batch);
  }
  return largest;
}

/** Bytes of this rank's tiles, before and after, and of the image that they are cut from and joined to. */
function imageBytes({ device }: DistributedContext, shapes: TileShapes, x: readonly number[]): number {
  const bytes = (shape: readonly number[]) => device.bufferBytes(shape.reduce((a, b) => a * b, 1));
  return [...shapes.values()].reduce((sum, { shape, count }) => sum + 2 * count * bytes(shape), 2 * bytes(x));
}

async function least(ctx: DistributedContext, value: number): Promise<number> {
  const [result] = await ctx.allReduce(Float64Array.of(value), { op: "min" });
  return result;
}

/** Names the device that has too little memory, on all ranks alike. */
async function tooLarge(
  ctx: DistributedContext,
  processor: NetworkDenoiser,
  shapes: TileShapes,
  agree: boolean,
): Promise<OutOfMemoryError> {
  let needed = 0;
  for (const { shape } of shapes.values()) {
    needed = Math.max(needed, await batchPeak(ctx, processor, shape, 1));
  }
  const { budget, live } = ctx.device.memory();
  const own = { name: ctx.device.name, needed, live, budget };
  if (!agree || !ctx.isDistributed) return new OutOfMemoryError(own.name, needed, live, budget);
  const all = await ctx.allGatherObject(own);
  const rank = all.findIndex((it) => it.needed > it.budget - it.live);
  const it = all[rank];
  return new OutOfMemoryError(`rank ${rank}'s ${it.name}, for one tile,`, it.needed, it.live, it.budget);
}
