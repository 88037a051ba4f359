import { Tensor } from "../../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";

/** A patch with its number. */
export type IndexedPatch = readonly [index: number, patch: Tensor];

/** A batch of patches of one shape, joined along dimension 0. */
export interface PatchBatch {
  /** The patches' numbers, in the order they are joined. */
  readonly indices: readonly number[];
  /** The patches joined along dimension 0. */
  readonly input: Tensor;
}

/** A class of strategies, built for one shape of signal; the tiling options are handed on. */
export type StrategyClass = new (
  imgSize: readonly number[],
  options?: never,
) => DistributedSignalStrategy;

/**
 * How a signal is cut into patches, and how processed patches become a signal again. Made for one signal shape.
 *
 * A subclass gives `getLocalPatches`, `reducePatches` and `getNumPatches`.
 *
 * @example A strategy of one's own: every channel is a patch
 * ```ts
 * import assert from "node:assert/strict";
 * import { distribute, DistributedContext, DistributedSignalStrategy } from "@deepinv/distributed";
 * import { FunctionDenoiser, type IndexedPatch, Tensor } from "@deepinv/distributed";
 *
 * class Channels extends DistributedSignalStrategy {
 *   override getNumPatches = () => this.imgSize[1];
 *   override getLocalPatches(x: Tensor, localIndices: readonly number[]): IndexedPatch[] {
 *     return localIndices.map((c) => [c, x.slice([null, [c, c + 1]])]);
 *   }
 *   override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
 *     for (const [c, patch] of patches) out.writeSlice(patch, [0, c, 0, 0]);
 *   }
 * }
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const denoiser = new FunctionDenoiser((x) => x.sub(x.mean([1, 2, 3], { keepDims: true })));
 * const byChannel = await distribute(denoiser, ctx, { tilingStrategy: Channels });
 * const x = Tensor.randn([1, 3, 8, 8], { seed: 1 });
 * using y = await byChannel.forward(x, 0.1);
 * assert(await y.mean([2, 3]).abs().max().item() < 1e-6); // every channel has lost its own mean
 * ```
 */
export abstract class DistributedSignalStrategy {
  /** The full shape of the signals that this strategy cuts. */
  readonly imgSize: readonly number[];

  /**
   * Remembers the shape that it is for.
   *
   * @param imgSize the full shape of the signals, for images (B, C, H, W)
   */
  constructor(imgSize: readonly number[]) {
    this.imgSize = imgSize;
  }

  /** Number of patches. */
  abstract getNumPatches(): number;

  /** The patches with the given numbers, cut out of x: new tensors, in the order asked for. */
  abstract getLocalPatches(x: Tensor, localIndices: readonly number[]): IndexedPatch[];

  /** Writes processed patches into `out`, a signal of zeros, in place. */
  abstract reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void;

  /**
   * The strategy of signals of another shape: one of the same class, built as `new Class(imgSize)`. A class whose
   * constructor takes more overrides this.
   *
   * @throws {InvalidArgumentError} when the constructor takes more than the shape
   */
  forShape(imgSize: readonly number[]): DistributedSignalStrategy {
    const Class = this.constructor as StrategyClass;
    if (Class.length <= 1) return new Class(imgSize);
    throw new InvalidArgumentError(
      "use a strategy for another shape",
      `${Class.name}'s constructor`,
      "callable with the shape alone (or its class given instead of an instance, or forShape overridden)",
      `one with ${Class.length} parameters, for ${formatShape(imgSize)}`,
    );
  }

  /** What processing a patch costs, in any unit; for a balanced share. Patches count alike unless a subclass knows. */
  costOf(_index: number): number {
    return 1;
  }

  /**
   * The part of a processed patch that `reducePatches` uses, a new tensor: what ranks send each other. The whole patch
   * by default; `reducePatches` gets the cropped ones.
   */
  cropPatch(_index: number, patch: Tensor): Tensor {
    return patch.clone();
  }

  /**
   * Joins patches of one shape into batches of at most `maxBatchSize` patches; takes the patches over.
   *
   * @param maxBatchSize all of one shape together when absent
   */
  applyBatching(patches: readonly IndexedPatch[], maxBatchSize = Infinity): PatchBatch[] {
    const groups = new Map<string, IndexedPatch[][]>();
    for (const pair of patches) {
      const key = formatShape(pair[1].shape);
      const batches = groups.get(key) ?? [];
      groups.set(key, batches);
      const last = batches.at(-1);
      if (last && last.length < maxBatchSize) last.push(pair);
      else batches.push([pair]);
    }
    return [...groups.values()].flat().map((batch) => {
      const indices = batch.map(([index]) => index);
      if (batch.length === 1) return { indices, input: batch[0][1] };
      const input = Tensor.cat(batch.map(([, patch]) => patch), 0);
      batch.forEach(([, patch]) => patch.dispose());
      return { indices, input };
    });
  }

  /** Takes a processed batch apart again, and over. */
  unpackBatchedResults(batch: PatchBatch, output: Tensor): IndexedPatch[] {
    if (batch.indices.length === 1) return [[batch.indices[0], output]];
    using whole = output;
    const items = whole.shape[0] / batch.indices.length;
    return batch.indices.map((index, k) => [index, whole.slice([[k * items, (k + 1) * items]])]);
  }
}
