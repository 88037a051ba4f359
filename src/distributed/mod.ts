/**
 * One script, any number of processes: the context that connects them, and `distribute`, which spreads operators,
 * denoisers, priors and data fidelities over them.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { DistributedContext } from "@deepinv/distributed/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const [sum] = await ctx.allReduce(Float32Array.of(ctx.rank), { op: "sum" });
 * assert.equal(sum, ctx.worldSize * (ctx.worldSize - 1) / 2);
 * ```
 *
 * @module
 */
export { Assignment, type AssignmentName } from "./assignment.ts";
export { type ContextOptions, type ContextStats, DistributedContext, type TraceOptions } from "./context.ts";
export {
  DistributedDataFidelity,
  type DistributedFidelityOptions,
  type FidelityOf,
} from "./data_fidelity.ts";
export { distribute } from "./distribute.ts";
export type { DistributeOptions, GatherStrategy, ObjectType } from "./distribute_options.ts";
export type { Factory } from "./factory.ts";
export { type SharedReduceOptions, SharedTensor } from "./shared_tensor.ts";
export type { GatherOptions, MapReduceOptions, Reduction } from "./map_reduce.ts";
export { type Measurements, type OnOperator, OperatorShare, type Probe } from "./operator_share.ts";
export type { OperatorPlacement, OperatorSource } from "./operator_source.ts";
export { DistributedPrior, type DistributedPriorOptions } from "./prior.ts";
export { DistributedProcessing, type ProcessingOptions } from "./processing.ts";
export type { TileMemory } from "./tile_memory.ts";
export {
  type DistributedDaggerOptions,
  type DistributedSqnormOptions,
  DistributedStackedLinearPhysics,
} from "./stacked_linear_physics.ts";
export { DistributedStackedPhysics, type ListOptions, type SumOptions } from "./stacked_physics.ts";
export type { WorkStats } from "./stats.ts";
export { type BasicOptions, BasicStrategy } from "./strategies/basic.ts";
export {
  createStrategy,
  type StrategyChoice,
  type StrategyFactory,
  type StrategyName,
} from "./strategies/create.ts";
export {
  OverlapTilingStrategy,
  SmartTilingStrategy,
  type TilingOptions,
} from "./strategies/overlap_tiling.ts";
export { GridStrategy } from "./strategies/grid_strategy.ts";
export {
  type CollectiveOptions,
  type CombineOptions,
  type Exchangeable,
  TensorGroup,
} from "./tensor_group.ts";
export {
  DistributedSignalStrategy,
  type IndexedPatch,
  type PatchBatch,
  type StrategyClass,
} from "./strategies/strategy.ts";
export type { Track } from "./timeline.ts";
export type { Blend } from "./strategies/window.ts";
