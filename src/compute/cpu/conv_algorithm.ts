import type { ConvSpec } from "../conv_engine.ts";
import type { ConvGeometry } from "../conv_geometry.ts";
import type { Activation } from "../conv_validation.ts";
import type { CpuFeatureMap } from "./feature_map.ts";
import type { Kernels } from "./wasm/kernels.ts";

/** What a layer does, defaults filled in. */
export interface LayerPlan {
  readonly spec: ConvSpec;
  readonly geometry: ConvGeometry;
  readonly activation: Activation;
}

/** A layer with its rearranged weights in the arena. */
export interface PackedLayer extends LayerPlan {
  /** Address of the weights. */
  readonly weights: number;
  /** Address of the bias: zeros without one. */
  readonly bias: number;
}

/** One layer's work, split into units (tiles, rows) that may be done in any order, by any thread. */
export interface ConvAlgorithm {
  /** Number of values that the rearranged weights and the bias take. */
  sizes(plan: LayerPlan): { weights: number; bias: number };

  /** Rearranges row-major weights and the bias; both targets hold zeros. */
  pack(plan: LayerPlan, weights: Float32Array, packed: Float32Array): void;

  /** Puts the bias where the kernels read it; the target holds zeros. */
  packBias(plan: LayerPlan, bias: Float32Array, packed: Float32Array): void;

  /** Bytes that one thread needs while it runs, for outputs of this size. */
  scratchBytes(plan: LayerPlan, height: number, width: number): number;

  /** How many units the layer has. */
  units(plan: LayerPlan, output: CpuFeatureMap): number;

  /** Units that a thread should take at a time, when `threads` share the `units` of an output. */
  grain(plan: LayerPlan, units: number, threads: number, output: CpuFeatureMap): number;

  /** What computes units first <= u < end: kernels are looked up once for all of them. */
  bind(kernels: Kernels, layer: PackedLayer, task: ConvTask): ConvUnits;
}

/** Computes units first <= u < end with a thread's scratch memory. */
export type ConvUnits = (scratch: number, first: number, end: number) => void;

/** Tasks that a layer is cut into for every thread: a thread that is held up then leaves work to the others. */
export const TASKS_PER_THREAD = 4;

/** Units per task such that every thread finds several tasks. */
export function evenGrain(_plan: LayerPlan, units: number, threads: number): number {
  return Math.ceil(units / (TASKS_PER_THREAD * threads));
}

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
