/** Denoisers and a strategy whose doings show in their results. */
import { DistributedSignalStrategy, type IndexedPatch } from "../../src/distributed/mod.ts";
import { Denoiser } from "../../src/models/mod.ts";
import type { Tensor } from "../../src/tensor/mod.ts";

/** Gives back its input, and remembers what it was asked. */
export class Recorder extends Denoiser {
  readonly shapes: (readonly number[])[] = [];

  override forward(input: Tensor): Promise<Tensor> {
    this.shapes.push(input.shape);
    return Promise.resolve(input.clone());
  }
}

/** x + sigma, so that misplaced noise levels show. */
export class AddsLevel extends Denoiser {
  override forward(input: Tensor, sigma: number | Tensor): Promise<Tensor> {
    const level = typeof sigma === "number" || sigma.shape.length === 4
      ? sigma
      : sigma.reshape([sigma.numel, 1, 1, 1]);
    return Promise.resolve(input.add(level));
  }
}

/** One patch for each row of the image. */
export class Rows extends DistributedSignalStrategy {
  override getNumPatches(): number {
    return this.imgSize[2];
  }

  override getLocalPatches(signal: Tensor, localIndices: readonly number[]): IndexedPatch[] {
    return localIndices.map((row) => [row, signal.slice([null, null, [row, row + 1]])]);
  }

  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [row, patch] of patches) out.writeSlice(patch, [0, 0, row, 0]);
  }
}
