import { Denoiser } from "../models/denoiser.ts";
import { DataFidelity } from "../optim/data_fidelity.ts";
import { Prior } from "../optim/prior.ts";
import { StackedPhysicsDataFidelity } from "../optim/stacked_fidelity.ts";
import { LinearPhysics } from "../physics/linear_physics.ts";
import { Physics } from "../physics/physics.ts";
import { StackedLinearPhysics, StackedPhysics } from "../physics/stacked.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { isBalanced } from "./assignment.ts";
import type { DistributedContext } from "./context.ts";
import { DistributedDataFidelity } from "./data_fidelity.ts";
import { describe, type Factory, type Items, numberedItems } from "./factory.ts";
import { placeOperators } from "./operator_source.ts";
import { OperatorShare } from "./operator_share.ts";
import { DistributedPrior, type DistributedPriorOptions } from "./prior.ts";
import { DistributedProcessing } from "./processing.ts";
import { DistributedStackedLinearPhysics } from "./stacked_linear_physics.ts";
import { DistributedStackedPhysics } from "./stacked_physics.ts";

/** What an object is, where its own type does not say. */
export type ObjectType = "auto" | "physics" | "linear_physics" | "data_fidelity" | "denoiser" | "prior";

/** How measurements reach every rank. All of them give the same result; one packed allGather is used. */
export type GatherStrategy = "concatenated" | "naive" | "broadcast";

/** Options of {@link distribute}. */
export interface DistributeOptions extends DistributedPriorOptions {
  /** What the object is; needed for factories. Default `"auto"`. */
  typeObject?: ObjectType;
  /** How many operators or fidelities a factory makes. */
  numOperators?: number;
  /** Given to a factory; rank 0's are used on every rank. Structured-clonable values. */
  factoryKwargs?: Record<string, unknown>;
  /** Default `"concatenated"`. */
  gatherStrategy?: GatherStrategy;
  /** How a data fidelity combines its operators' terms; default `"sum"`. */
  reduction?: "sum" | "mean";
  /**
   * What each operator costs, in any unit, for `assignment: "balanced"`; by default the operators' own numbers `cost`, and
   * where they have none, times measured before the first call.
   */
  costs?: readonly number[];
}

/** All options, so that a misspelt one is an error. */
const OPTIONS: Readonly<Record<keyof DistributeOptions, true>> = {
  typeObject: true,
  numOperators: true,
  factoryKwargs: true,
  gatherStrategy: true,
  reduction: true,
  costs: true,
  assignment: true,
  exactProx: true,
  tilingStrategy: true,
  maxBatchSize: true,
  patchSize: true,
  overlap: true,
  stride: true,
  tilingDims: true,
  blend: true,
  padding: true,
};

const GATHER_STRATEGIES: readonly GatherStrategy[] = ["concatenated", "naive", "broadcast"];
const OBJECT_TYPES: readonly ObjectType[] = [
  "auto",
  "physics",
  "linear_physics",
  "data_fidelity",
  "denoiser",
  "prior",
];

/**
 * Turns an object into its distributed twin, which every algorithm takes in the place of the local one. Called by all
 * ranks.
 *
 * - a stack of operators, a list of them, or a factory: operators are spread over the ranks, round robin or balanced;
 * - a denoiser: the image's tiles are spread;
 * - a data fidelity, a stack or a list of them, or a factory: follows a distributed stack;
 * - a prior: its denoiser's tiles are spread; one without a denoiser is computed on every rank, see
 *   {@link DistributedPrior}.
 *
 * @throws {InvalidArgumentError} when the object is none of these, or an option is out of range
 *
 * @example
 * ```ts
 * import { Blur, distribute, DistributedContext, gaussianBlur, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const blur = (index: number) => new Blur({ filter: gaussianBlur({ sigma: 1 + index }), padding: "circular" });
 * const physics = await distribute(blur, ctx, { typeObject: "linear_physics", numOperators: 3 });
 * const y = await physics.A(Tensor.ones([1, 1, 32, 32]));
 * console.log(y.length); // 3
 * ```
 */
export function distribute(
  object: StackedLinearPhysics | readonly LinearPhysics<Tensor>[],
  ctx: DistributedContext,
  options?: DistributeOptions,
): Promise<DistributedStackedLinearPhysics>;
/** Spreads linear operators that a factory makes where they are needed. */
export function distribute(
  object: Factory<LinearPhysics<Tensor>>,
  ctx: DistributedContext,
  options: DistributeOptions & { typeObject: "linear_physics" },
): Promise<DistributedStackedLinearPhysics>;
/** Spreads operators that a factory makes where they are needed. */
export function distribute(
  object: Factory<Physics<Tensor>>,
  ctx: DistributedContext,
  options: DistributeOptions & { typeObject: "physics" },
): Promise<DistributedStackedPhysics | DistributedStackedLinearPhysics>;
/** The data fidelity of a distributed stack: one for all operators, or one for each. */
export function distribute(
  object: DataFidelity | readonly DataFidelity[],
  ctx: DistributedContext,
  options?: DistributeOptions,
): Promise<DistributedDataFidelity>;
/** The data fidelities of a distributed stack, made by a factory for each operator. */
export function distribute(
  object: Factory<DataFidelity>,
  ctx: DistributedContext,
  options: DistributeOptions & { typeObject: "data_fidelity" },
): Promise<DistributedDataFidelity>;
/** Spreads the tiles of images over the ranks. */
export function distribute(
  object: Denoiser,
  ctx: DistributedContext,
  options?: DistributeOptions,
): Promise<DistributedProcessing>;
/** Spreads a prior's denoiser over the ranks. */
export function distribute(
  object: Prior,
  ctx: DistributedContext,
  options?: DistributeOptions,
): Promise<DistributedPrior>;
/** Spreads operators over the ranks. */
export function distribute(
  object: StackedPhysics | readonly Physics<Tensor>[],
  ctx: DistributedContext,
  options?: DistributeOptions,
): Promise<DistributedStackedPhysics | DistributedStackedLinearPhysics>;
export async function distribute(
  object: unknown,
  ctx: DistributedContext,
  options: DistributeOptions = {},
): Promise<
  | DistributedStackedPhysics
  | DistributedStackedLinearPhysics
  | DistributedDataFidelity
  | DistributedProcessing
  | DistributedPrior
> {
  const { typeObject = "auto", gatherStrategy = "concatenated" } = options;
  oneOf("gatherStrategy", gatherStrategy, GATHER_STRATEGIES);
  oneOf("typeObject", typeObject, OBJECT_TYPES);
  for (const name of Object.keys(options)) oneOf("an option", name, Object.keys(OPTIONS));
  isBalanced(options.assignment);
  const type = typeObject === "auto" ? typeOf(object) : typeObject;
  switch (type) {
    case "denoiser":
      return new DistributedProcessing(object as Denoiser, ctx, options);
    case "prior":
      return new DistributedPrior(object as Prior, ctx, options);
    case "data_fidelity":
      return await distributeFidelity(object as DataFidelity | Items<DataFidelity>, ctx, options);
    default:
      return await distributePhysics(object as Items<Physics<Tensor>>, ctx, type, options);
  }
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): void {
  if (allowed.includes(value)) return;
  throw new InvalidArgumentError("distribute", name, allowed.map((a) => `"${a}"`).join(", "), `"${value}"`);
}

function typeOf(object: unknown): Exclude<ObjectType, "auto"> {
  if (object instanceof Denoiser) return "denoiser";
  if (object instanceof Prior) return "prior";
  if (object instanceof DataFidelity) return "data_fidelity";
  if (object instanceof StackedPhysics || object instanceof StackedLinearPhysics) return "physics";
  if (Array.isArray(object) && object.length > 0) {
    if (object.every((item) => item instanceof Physics)) return "physics";
    if (object.every((item) => item instanceof DataFidelity)) return "data_fidelity";
  }
  throw new InvalidArgumentError(
    "distribute",
    "the object",
    "a stack or list of Physics, a Denoiser, a Prior, a DataFidelity or a list of them",
    describe(object),
  );
}

async function distributePhysics(
  items: Items<Physics<Tensor>>,
  ctx: DistributedContext,
  type: "physics" | "linear_physics",
  options: DistributeOptions,
): Promise<DistributedStackedPhysics | DistributedStackedLinearPhysics> {
  requireItems("operators", items);
  const parts = typeof items === "function" ? items : [...items].flatMap(partsOf);
  const source = await numberedItems(parts, ctx, options, "Physics", (item) => item instanceof Physics);
  const balanced = isBalanced(options.assignment);
  const placement = await placeOperators(source, ctx, { balanced, costs: options.costs });
  warnOfIdleRanks(ctx, source.count);
  const linear = typeof parts === "function"
    ? await everyRank(ctx, placement.local.every(isLinear))
    : parts.every(isLinear);
  if (!linear && type === "linear_physics") {
    const requirement = 'linear for typeObject "linear_physics"';
    throw new InvalidArgumentError("distribute operators", "every operator", requirement, "another Physics");
  }
  return linear
    ? new DistributedStackedLinearPhysics(new OperatorShare(ctx, source as never, placement as never))
    : new DistributedStackedPhysics(new OperatorShare(ctx, source, placement));
}

/** The operators of a nested stack, or the operator itself. */
function partsOf(operator: Physics<Tensor> | StackedPhysics | StackedLinearPhysics): Physics<Tensor>[] {
  const nested = operator instanceof StackedPhysics || operator instanceof StackedLinearPhysics;
  return nested ? [...operator] : [operator];
}

function isLinear(operator: Physics): boolean {
  return operator instanceof LinearPhysics;
}

function requireItems(kind: string, items: unknown): void {
  const iterable = typeof items === "function" ||
    typeof (items as Iterable<unknown> | undefined)?.[Symbol.iterator] === "function";
  if (iterable) return;
  const requirement = "a stack, a list or a factory";
  throw new InvalidArgumentError(`distribute ${kind}`, "the object", requirement, describe(items));
}

function warnOfIdleRanks(ctx: DistributedContext, operators: number): void {
  const idle = ctx.worldSize - operators;
  if (idle <= 0 || ctx.rank !== 0) return;
  console.warn(`${idle} of ${ctx.worldSize} ranks get no operator: there are only ${operators}`);
}

async function everyRank(ctx: DistributedContext, here: boolean): Promise<boolean> {
  const [least] = await ctx.allReduce(Int32Array.of(here ? 1 : 0), { op: "min" });
  return least === 1;
}

async function distributeFidelity(
  object: DataFidelity | Items<DataFidelity>,
  ctx: DistributedContext,
  options: DistributeOptions,
): Promise<DistributedDataFidelity> {
  const { reduction } = options;
  if (object instanceof StackedPhysicsDataFidelity) {
    return await distributeFidelity([...object], ctx, options);
  }
  if (object instanceof DataFidelity) return new DistributedDataFidelity(() => object, ctx, { reduction });
  requireItems("fidelities", object);
  const isFidelity = (item: unknown) => item instanceof DataFidelity;
  const source = await numberedItems(object, ctx, options, "DataFidelity", isFidelity);
  for (const index of ctx.localIndices(source.count)) await source.at(index);
  return new DistributedDataFidelity((index) => source.at(index), ctx, {
    reduction,
    numOperators: source.count,
  });
}
