import { Denoiser } from "../models/denoiser.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { sameShape } from "../tensor/tensor.ts";
import type { DistributedContext } from "./context.ts";
import { type GatherOptions, gatherTensors } from "./map_reduce.ts";
import { createStrategy, type StrategyName } from "./strategies/create.ts";
import type { TilingOptions } from "./strategies/overlap_tiling.ts";
import type { DistributedSignalStrategy, IndexedPatch } from "./strategies/strategy.ts";

/** Options of a distributed denoiser. */
export interface ProcessingOptions extends TilingOptions {
  /** How images are cut: a name, or a strategy made for one shape of image; default `"overlap_tiling"`. */
  tilingStrategy?: StrategyName | DistributedSignalStrategy;
  /** Most tiles that go through the denoiser together; all of them by default, 1 needs the least memory. */
  maxBatchSize?: number;
}

/**
 * A denoiser whose tiles are spread over the ranks: rank r processes tiles r, r + worldSize, ... and every rank
 * assembles the whole image from all of them.
 */
export class DistributedProcessing extends Denoiser {
  readonly #ctx: DistributedContext;
  readonly #processor: Pick<Denoiser, "forward">;
  readonly #options: ProcessingOptions;
  readonly #plans = new Map<
    string,
    { strategy: DistributedSignalStrategy; shapes?: readonly (readonly number[])[] }
  >();

  /** Made by `distribute`. */
  constructor(
    processor: Pick<Denoiser, "forward">,
    ctx: DistributedContext,
    options: ProcessingOptions = {},
  ) {
    super();
    const { maxBatchSize } = options;
    if (maxBatchSize !== undefined && !(Number.isInteger(maxBatchSize) && maxBatchSize >= 1)) {
      throw new InvalidArgumentError(
        "distribute a denoiser",
        "maxBatchSize",
        "a whole number >= 1",
        String(maxBatchSize),
      );
    }
    this.#processor = processor;
    this.#ctx = ctx;
    this.#options = options;
  }

  /**
   * The denoised images; called by all ranks with the same x.
   *
   * @param sigma a number, one value per item (B,), or a map (B, 1, H, W), which is cut as the image is
   * @param options.gather `false`: without communication, this rank's tiles and zeros elsewhere
   */
  override async forward(
    x: Tensor,
    sigma: number | Tensor,
    { gather = true }: GatherOptions = {},
  ): Promise<Tensor> {
    const plan = this.#planFor(x.shape);
    const { strategy } = plan;
    const own = await this.#ctx.measure("denoiser", () => this.#process(strategy, x, sigma));
    const output = Tensor.zeros(x.shape, x);
    if (!gather || !this.#ctx.isDistributed) {
      strategy.reducePatches(output, own);
      own.forEach(([, patch]) => patch.dispose());
      return output;
    }
    plan.shapes ??= await this.#exchangeShapes(strategy, own);
    const patches = await gatherTensors(this.#ctx, own, plan.shapes, (index) => index % this.#ctx.worldSize);
    own.forEach(([, patch]) => patch.dispose());
    strategy.reducePatches(output, patches.map((patch, index) => [index, patch]));
    patches.forEach((patch) => patch.dispose());
    return output;
  }

  /** This rank's tiles, processed and cropped. */
  async #process(
    strategy: DistributedSignalStrategy,
    x: Tensor,
    sigma: number | Tensor,
  ): Promise<IndexedPatch[]> {
    const indices = this.#ctx.localIndices(strategy.getNumPatches());
    const batches = strategy.applyBatching(strategy.getLocalPatches(x, indices), this.#options.maxBatchSize);
    const cropped: IndexedPatch[] = [];
    try {
      for (const batch of batches) {
        using level = levelOf(strategy, x, sigma, batch.indices);
        const output = await this.#processor.forward(batch.input, level.sigma);
        for (const [index, patch] of strategy.unpackBatchedResults(batch, output)) {
          cropped.push([index, strategy.cropPatch(index, patch)]);
          patch.dispose();
        }
      }
      return cropped;
    } catch (error) {
      cropped.forEach(([, patch]) => patch.dispose());
      throw error;
    } finally {
      batches.forEach((batch) => batch.input.dispose());
    }
  }

  #planFor(
    shape: readonly number[],
  ): { strategy: DistributedSignalStrategy; shapes?: readonly (readonly number[])[] } {
    const key = shape.join("x");
    let plan = this.#plans.get(key);
    if (!plan) {
      plan = { strategy: this.#strategyFor(shape) };
      this.#plans.set(key, plan);
    }
    return plan;
  }

  #strategyFor(shape: readonly number[]): DistributedSignalStrategy {
    const { tilingStrategy = "overlap_tiling", ...tiling } = this.#options;
    if (typeof tilingStrategy === "string") return createStrategy(tilingStrategy, shape, tiling);
    if (tilingStrategy.imgSize && !sameShape(tilingStrategy.imgSize, shape)) {
      throw new InvalidArgumentError(
        "process a signal",
        "x",
        `of the strategy's shape ${formatShape(tilingStrategy.imgSize)}`,
        formatShape(shape),
      );
    }
    return tilingStrategy;
  }

  /** Every patch's shape, by number: sent once for each shape of signal. */
  async #exchangeShapes(
    strategy: DistributedSignalStrategy,
    own: readonly IndexedPatch[],
  ): Promise<readonly (readonly number[])[]> {
    const everyone = await this.#ctx.allGatherObject(own.map(([, patch]) => patch.shape));
    const size = this.#ctx.worldSize;
    return Array.from(
      { length: strategy.getNumPatches() },
      (_, i) => everyone[i % size][Math.floor(i / size)],
    );
  }
}

/** The noise level of a batch of tiles: items repeat for every tile, maps are cut like the image. */
function levelOf(
  strategy: DistributedSignalStrategy,
  x: Tensor,
  sigma: number | Tensor,
  indices: readonly number[],
): { sigma: number | Tensor } & Disposable {
  if (typeof sigma === "number" || sigma.numel === 1) return { sigma, [Symbol.dispose]: () => {} };
  const spatial = sigma.shape.length > 1 && sigma.shape.slice(1).some((extent) => extent > 1);
  const parts = spatial ? cutMap(strategy, x, sigma, indices) : indices.map(() => sigma.reshape(sigma.shape));
  const level = Tensor.cat(parts, 0);
  parts.forEach((part) => part.dispose());
  return { sigma: level, [Symbol.dispose]: () => level.dispose() };
}

function cutMap(
  strategy: DistributedSignalStrategy,
  x: Tensor,
  sigma: Tensor,
  indices: readonly number[],
): Tensor[] {
  using map = sigma.expand([x.shape[0], sigma.shape[1], ...x.shape.slice(2)]);
  return strategy.getLocalPatches(map, indices).map(([, patch]) => patch);
}
