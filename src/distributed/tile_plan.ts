import { Tensor } from "../tensor/tensor.ts";
import { Assignment } from "./assignment.ts";
import type { DistributedContext } from "./context.ts";
import { packed } from "./map_reduce.ts";
import type { DistributedSignalStrategy, IndexedPatch } from "./strategies/strategy.ts";

/** A patch's number and its shape once it is processed. */
type PatchShape = readonly [index: number, shape: readonly number[]];

/** How images of one shape are cut, who has which tiles, and in which rounds they are sent. */
export class TilePlan {
  /** Who has what. */
  readonly assignment: Assignment;
  /** For every rank and round the patches that it sends; known after the first exchange. */
  #rounds: readonly (readonly (readonly PatchShape[])[])[] | undefined;

  /**
   * Shares the patches.
   *
   * @param speeds of the ranks for a balanced share; round robin without
   */
  constructor(
    readonly ctx: DistributedContext,
    readonly strategy: DistributedSignalStrategy,
    speeds: readonly number[] | undefined,
  ) {
    const count = strategy.getNumPatches();
    this.assignment = speeds
      ? Assignment.balanced(Array.from({ length: count }, (_, i) => strategy.costOf(i)), speeds)
      : Assignment.roundRobin(count, ctx.worldSize);
    if (count < ctx.worldSize && ctx.rank === 0) {
      console.warn(`${ctx.worldSize - count} of ${ctx.worldSize} ranks get no tile: there are only ${count}`);
    }
  }

  /** This rank's tiles. */
  get own(): readonly number[] {
    return this.assignment.itemsOf(this.ctx.rank);
  }

  /** What this rank's tiles cost altogether. */
  get ownCost(): number {
    return this.own.reduce((sum, index) => sum + this.strategy.costOf(index), 0);
  }

  /**
   * Sends batches as they come, one allGather a round, while the next one is computed, and returns all ranks' patches in
   * the order of their numbers. In the first call the ranks learn how many rounds there are and what is sent in them, so
   * it sends after the last batch.
   *
   * @param batches this rank's processed patches, batch by batch; taken over
   */
  async exchange(batches: AsyncIterable<readonly IndexedPatch[]>): Promise<IndexedPatch[]> {
    const own: (readonly IndexedPatch[])[] = [];
    const sent: Promise<Float32Array[]>[] = [];
    try {
      for await (const batch of batches) {
        own.push(batch);
        if (this.#rounds) sent.push(this.#send(await packedPatches(batch)));
      }
      this.#rounds ??= await this.ctx.allGatherObject(own.map((batch) => batch.map(shapeOf)));
      const count = Math.max(...this.#rounds.map((rounds) => rounds.length));
      while (sent.length < count) sent.push(this.#send(await packedPatches(own[sent.length] ?? [])));
      return this.#unpack(own.flat(), await Promise.all(sent));
    } catch (error) {
      own.flat().forEach(([, patch]) => patch.dispose());
      throw error;
    }
  }

  #send(values: Float32Array): Promise<Float32Array[]> {
    const arrival = this.ctx.allGather(values);
    arrival.catch(() => {}); // Awaited with the others, or the rank fails with an error of its own first.
    return arrival;
  }

  #unpack(own: readonly IndexedPatch[], arrivals: readonly Float32Array[][]): IndexedPatch[] {
    const patches: IndexedPatch[] = [...own];
    for (const rank of this.ctx.ranks) {
      if (rank === this.ctx.rank) continue;
      this.#rounds![rank].forEach((batch, round) => {
        let at = 0;
        for (const [index, shape] of batch) {
          const length = shape.reduce((product, extent) => product * extent, 1);
          patches.push([index, this.#tensor(arrivals[round][rank].subarray(at, at + length), shape)]);
          at += length;
        }
      });
    }
    return patches.sort(([a], [b]) => a - b);
  }

  #tensor(values: Float32Array, shape: readonly number[]): Tensor {
    return Tensor.from(values, shape, this.ctx);
  }
}

function shapeOf([index, patch]: IndexedPatch): PatchShape {
  return [index, patch.shape];
}

function packedPatches(batch: readonly IndexedPatch[]): Promise<Float32Array> {
  return packed(batch.map(([, patch]) => patch));
}
