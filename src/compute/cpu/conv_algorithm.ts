import type { ConvSpec } from "../conv_engine.ts";
import type { CpuFeatureMap } from "./feature_map.ts";
import type { Kernels } from "./wasm/kernels.ts";

/** A layer's rearranged weights in the arena. */
export interface PackedLayer {
  /** What the layer does. */
  readonly spec: ConvSpec;
  /** Address of the weights. */
  readonly weights: number;
  /** Address of the bias: zeros without one. */
  readonly bias: number;
}

/** One layer's work, split into units (tiles, rows) that may be done in any order, by any thread. */
export interface ConvAlgorithm {
  /** Number of values that the rearranged weights and the bias take. */
  sizes(spec: ConvSpec): { weights: number; bias: number };

  /** Rearranges row-major weights (the shapes of {@link ConvSpec.op}) and the bias; both targets hold zeros. */
  pack(spec: ConvSpec, weights: Float32Array, packed: Float32Array): void;

  /** Puts the bias where the kernels read it; the target holds zeros. */
  packBias(spec: ConvSpec, bias: Float32Array, packed: Float32Array): void;

  /** Bytes that one thread needs while it runs. */
  scratchBytes(spec: ConvSpec): number;

  /** How many units the layer has. */
  units(input: CpuFeatureMap, output: CpuFeatureMap): number;

  /** Units that a thread should take at a time, when `threads` share `units`. */
  grain(spec: ConvSpec, units: number, threads: number): number;

  /** Computes units first <= u < end. */
  run(
    kernels: Kernels,
    layer: PackedLayer,
    task: ConvTask,
    scratch: number,
    first: number,
    end: number,
  ): void;
}

/** Tasks that a layer is cut into for every thread: a thread that is held up then leaves work to the others. */
export const TASKS_PER_THREAD = 4;

/** What a layer is applied to. */
export interface ConvTask {
  /** Of `inChannels` channels. */
  readonly input: CpuFeatureMap;
  /** Of `outChannels` channels; not the input. */
  readonly output: CpuFeatureMap;
  /** At most two, of the output's shape. */
  readonly addends: readonly CpuFeatureMap[];
}

/** The addends' distances from the output in bytes, as kernels take them. */
export function addendDistances(task: ConvTask): [number, number] {
  const distance = (map: CpuFeatureMap | undefined) =>
    map === undefined ? 0 : map.address - task.output.address;
  return [distance(task.addends[0]), distance(task.addends[1])];
}
