import { Denoiser } from "../models/denoiser.ts";
import { owned } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { type AssignmentName, isBalanced } from "./assignment.ts";
import type { DistributedContext } from "./context.ts";
import type { GatherOptions } from "./map_reduce.ts";
import { levelOf } from "./noise_levels.ts";
import { checkTilingOptions } from "./strategies/check_options.ts";
import { type StrategyChoice, strategyFor } from "./strategies/create.ts";
import type { TilingOptions } from "./strategies/overlap_tiling.ts";
import type { DistributedSignalStrategy, IndexedPatch } from "./strategies/strategy.ts";
import { type TileMemory, tileMemory } from "./tile_memory.ts";
import { TilePlan } from "./tile_plan.ts";

/** Options of a distributed denoiser. */
export interface ProcessingOptions extends TilingOptions {
  /**
   * How images are cut: a name, a class of strategies, a function that makes one for a shape, or a strategy, which makes
   * others for other shapes by its `forShape`; default `"overlap_tiling"`.
   */
  tilingStrategy?: StrategyChoice;
  /**
   * Most tiles that go through the denoiser together; all of them by default (null), 1 needs the least memory. `"auto"`: for
   * networks as many as fit, beside the tiles, into half of the memory that the ranks' devices have left at the first call
   * with a shape (the least of all ranks'); all for other denoisers, whose memory is not known before they run. The result is the same.
   * {@link DistributedProcessing.memoryPlan} tells the choice.
   */
  maxBatchSize?: number | "auto" | null;
  /**
   * How tiles are shared: `"roundRobin"` (default), or `"balanced"` by their samples, halos included, and, unless the
   * context is deterministic, by the speeds of the ranks, measured in the second call.
   */
  assignment?: AssignmentName;
}

/** Speeds of ranks are told apart in steps of this, relative to the quickest, so that noise in timings does not count. */
const SPEED_STEP = 0.25;

/**
 * A denoiser whose tiles are spread over the ranks: every rank processes its tiles, and assembles the whole image from all
 * ranks'. A batch of tiles is sent while the next one is computed.
 *
 * @example A large image, tile by tile, on all ranks
 * ```ts
 * import assert from "node:assert/strict";
 * import { distribute, DistributedContext, MedianFilter, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const denoiser = new MedianFilter({ kernelSize: 3 });
 * const tiled = await distribute(denoiser, ctx, { patchSize: 32, overlap: 2, maxBatchSize: 4, blend: "crop" });
 * const x = Tensor.randn([1, 1, 80, 100], { seed: 1 }); // the same on every rank
 * using result = await tiled.forward(x, 0.1);
 * using whole = await denoiser.forward(x);
 * assert.deepEqual(await result.data(), await whole.data()); // the halo is as wide as the filter
 * ```
 */
export class DistributedProcessing extends Denoiser {
  readonly #ctx: DistributedContext;
  readonly #processor: Pick<Denoiser, "forward">;
  readonly #options: ProcessingOptions;
  readonly #balanced: boolean;
  readonly #plans = new Map<string, TilePlan>();
  readonly #memory = new WeakMap<TilePlan, TileMemory>();
  #speeds: readonly number[];
  #calls = 0;

  /** Made by `distribute`. */
  constructor(
    processor: Pick<Denoiser, "forward">,
    ctx: DistributedContext,
    options: ProcessingOptions = {},
  ) {
    super();
    const { maxBatchSize } = options;
    const isCount = Number.isInteger(maxBatchSize) && Number(maxBatchSize) >= 1;
    if (maxBatchSize !== undefined && maxBatchSize !== null && maxBatchSize !== "auto" && !isCount) {
      const requirement = 'a whole number >= 1 or "auto"';
      throw new InvalidArgumentError("distribute a denoiser", "maxBatchSize", requirement, `${maxBatchSize}`);
    }
    checkTilingOptions(options);
    if (typeof processor?.forward !== "function") {
      const got = (processor as object | undefined)?.constructor?.name ?? String(processor);
      throw new InvalidArgumentError("distribute a denoiser", "the object", "a Denoiser", got);
    }
    this.#processor = processor;
    this.#ctx = ctx;
    this.#options = options;
    this.#balanced = isBalanced(options.assignment);
    this.#speeds = ctx.ranks.map(() => 1);
  }

  /**
   * The denoised images; called by all ranks with the same x.
   *
   * @param sigma a number, one value per item (B,), or a map (B, 1, H, W), which is cut as the image is
   * @param options.gather `false`: without communication, this rank's tiles and zeros elsewhere
   * @throws {OutOfMemoryError} on all ranks, with `maxBatchSize: "auto"`, when a rank's device has no room for one tile;
   * with `gather: false` on that rank
   */
  override async forward(
    x: Tensor,
    sigma: number | Tensor,
    { gather = true }: GatherOptions = {},
  ): Promise<Tensor> {
    const plan = this.#planFor(x.shape);
    const { maxBatchSize: limit } = this.#options;
    const maxBatchSize = limit === "auto"
      ? (await this.#memoryOf(plan, x.shape, gather)).maxBatchSize
      : limit ?? undefined;
    const begin = performance.now();
    let busy = 0;
    const batches = this.#process(plan, maxBatchSize, x, sigma, (ended) => busy = ended - begin);
    const patches = gather && this.#ctx.isDistributed
      ? await plan.exchange(batches)
      : await collected(batches);
    try {
      const output = Tensor.zeros(x.shape, x);
      plan.strategy.reducePatches(output, patches);
      return output;
    } finally {
      patches.forEach(([, patch]) => patch.dispose());
      if (gather) await this.#measureSpeeds(plan, busy);
    }
  }

  /**
   * How this rank's tiles will go through the denoiser, and the most bytes that its device will hold for a batch, before
   * it runs. Called by all ranks with the same shape, as {@link forward} is.
   *
   * @param shape of x: (B, C, H, W)
   * @throws {InvalidArgumentError} when the denoiser refuses the tiles' shape
   * @throws {OutOfMemoryError} with `maxBatchSize: "auto"`, when a rank's device has no room for one tile
   *
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { distribute, DistributedContext, DRUNet } from "@deepinv/distributed";
   *
   * await using ctx = await DistributedContext.create({ device: "cpu" });
   * const denoiser = await DRUNet.create({ weights: "small-color" });
   * const tiled = await distribute(denoiser, ctx, { patchSize: 64, overlap: 32, maxBatchSize: "auto" });
   * const { tiles, maxBatchSize, peak } = await tiled.memoryPlan([1, 3, 256, 256]);
   * assert(tiles <= 16 && maxBatchSize > 0); // Infinity: together, if there is memory for it
   * console.log(`${peak} bytes at most`);
   * ```
   */
  memoryPlan(shape: readonly number[]): Promise<TileMemory> {
    return this.#memoryOf(this.#planFor(shape), shape, true);
  }

  /** Decided once by all ranks together, so that they send in step; a rank that asks alone decides for one call. */
  async #memoryOf(plan: TilePlan, shape: readonly number[], agree: boolean): Promise<TileMemory> {
    let memory = this.#memory.get(plan);
    if (!memory) {
      const limit = this.#options.maxBatchSize ?? undefined;
      memory = await tileMemory(this.#ctx, this.#processor, plan, shape, { limit, agree });
      if (agree) this.#memory.set(plan, memory);
    }
    return memory;
  }

  /** This rank's tiles, processed and cropped, batch by batch. */
  async *#process(
    { strategy, own }: TilePlan,
    maxBatchSize: number | undefined,
    x: Tensor,
    sigma: number | Tensor,
    onEnd: (time: number) => void,
  ): AsyncGenerator<IndexedPatch[]> {
    const batches = strategy.applyBatching(strategy.getLocalPatches(x, own), maxBatchSize);
    try {
      for (const batch of batches) {
        const name = `${batch.indices.length} tiles ${batch.input.shape.join("x")}`;
        const results = await this.#ctx.measure(
          "denoiser",
          () =>
            this.#ctx.span("denoiser", name, async () => {
              using level = levelOf(strategy, x, sigma, batch.indices);
              const output = owned(await this.#processor.forward(batch.input, level.sigma), batch.input);
              return cropped(strategy, strategy.unpackBatchedResults(batch, output));
            }),
        );
        onEnd(performance.now());
        yield results;
      }
    } finally {
      batches.forEach((batch) => batch.input.dispose());
    }
  }

  #planFor(shape: readonly number[]): TilePlan {
    const key = shape.join("x");
    let plan = this.#plans.get(key);
    if (!plan) {
      const strategy = strategyFor(this.#options.tilingStrategy, shape, this.#options);
      plan = new TilePlan(this.#ctx, strategy, this.#balanced ? this.#speeds : undefined);
      this.#plans.set(key, plan);
    }
    return plan;
  }

  /** After the second call, which is the first one without warming up: cost per millisecond of every rank. */
  async #measureSpeeds(plan: TilePlan, busy: number): Promise<void> {
    const { deterministic, isDistributed } = this.#ctx;
    if (!this.#balanced || deterministic || !isDistributed || ++this.#calls !== 2) return;
    const rate = plan.ownCost / Math.max(busy, 1e-3);
    const rates = (await this.#ctx.allGather(Float64Array.of(rate))).map(([value]) => value);
    const quickest = Math.max(...rates);
    this.#speeds = rates.map((value) =>
      value === 0 ? 1 : Math.max(SPEED_STEP, Math.round(value / quickest / SPEED_STEP) * SPEED_STEP)
    );
    this.#plans.clear();
  }
}

/** What patches contribute; takes them over. */
function cropped(strategy: DistributedSignalStrategy, patches: readonly IndexedPatch[]): IndexedPatch[] {
  const parts: IndexedPatch[] = [];
  try {
    for (const [index, patch] of patches) parts.push([index, strategy.cropPatch(index, patch)]);
    return parts;
  } catch (error) {
    parts.forEach(([, part]) => part.dispose());
    throw error;
  } finally {
    patches.forEach(([, patch]) => patch.dispose());
  }
}

/** All batches' patches; frees them when a later batch fails. */
async function collected(batches: AsyncIterable<readonly IndexedPatch[]>): Promise<IndexedPatch[]> {
  const patches: IndexedPatch[] = [];
  try {
    for await (const batch of batches) patches.push(...batch);
    return patches;
  } catch (error) {
    patches.forEach(([, patch]) => patch.dispose());
    throw error;
  }
}
