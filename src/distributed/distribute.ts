import { Denoiser } from "../models/denoiser.ts";
import { DataFidelity } from "../optim/data_fidelity.ts";
import { StackedPhysicsDataFidelity } from "../optim/stacked_fidelity.ts";
import { LinearPhysics } from "../physics/linear_physics.ts";
import { Physics } from "../physics/physics.ts";
import { StackedLinearPhysics, StackedPhysics } from "../physics/stacked.ts";
import type { Device } from "../compute/device.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";
import { DistributedDataFidelity } from "./data_fidelity.ts";
import { OperatorShare } from "./operator_share.ts";
import { DistributedProcessing, type ProcessingOptions } from "./processing.ts";
import { DistributedStackedLinearPhysics } from "./stacked_linear_physics.ts";
import { DistributedStackedPhysics } from "./stacked_physics.ts";

/** What an object is, where its own type does not say. */
export type ObjectType = "auto" | "physics" | "linear_physics" | "data_fidelity" | "denoiser";

/** How measurements reach every rank. All of them give the same result; one packed allGather is used. */
export type GatherStrategy = "concatenated" | "naive" | "broadcast";

/** Makes operator or fidelity `index` where it is needed, so that no rank builds the whole stack. */
export type Factory<T> = (index: number, device: Device, kwargs: Record<string, unknown>) => T | Promise<T>;

/** Options of {@link distribute}. */
export interface DistributeOptions extends ProcessingOptions {
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
}

const GATHER_STRATEGIES: readonly GatherStrategy[] = ["concatenated", "naive", "broadcast"];
const OBJECT_TYPES: readonly ObjectType[] = [
  "auto",
  "physics",
  "linear_physics",
  "data_fidelity",
  "denoiser",
];

/**
 * Turns an object into its distributed twin, which every algorithm takes in the place of the local one. Called by all
 * ranks.
 *
 * - a stack of operators, a list of them, or a factory: operators are spread over the ranks, round robin;
 * - a denoiser: the image's tiles are spread;
 * - a data fidelity, a list of them, or a factory: follows a distributed stack.
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
> {
  const { typeObject = "auto", gatherStrategy = "concatenated" } = options;
  oneOf("gatherStrategy", gatherStrategy, GATHER_STRATEGIES);
  oneOf("typeObject", typeObject, OBJECT_TYPES);
  const type = typeObject === "auto" ? typeOf(object) : typeObject;
  switch (type) {
    case "denoiser":
      return new DistributedProcessing(object as Denoiser, ctx, options);
    case "data_fidelity":
      return await distributeFidelity(object as DataFidelity | Items<DataFidelity>, ctx, options);
    default:
      return await distributePhysics(object as Items<Physics<Tensor>>, ctx, type, options);
  }
}

type Items<T> = Iterable<T> | Factory<T>;

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): void {
  if (!allowed.includes(value)) {
    throw new InvalidArgumentError("distribute", name, allowed.map((a) => `"${a}"`).join(", "), `"${value}"`);
  }
}

function typeOf(object: unknown): Exclude<ObjectType, "auto"> {
  if (object instanceof Denoiser) return "denoiser";
  if (object instanceof DataFidelity) return "data_fidelity";
  if (object instanceof StackedPhysics || object instanceof StackedLinearPhysics) return "physics";
  if (Array.isArray(object) && object.length > 0) {
    if (object.every((item) => item instanceof Physics)) return "physics";
    if (object.every((item) => item instanceof DataFidelity)) return "data_fidelity";
  }
  throw new InvalidArgumentError(
    "distribute",
    "the object",
    "a stack or list of Physics, a Denoiser, a DataFidelity or a list of them; for a factory, typeObject says which",
    typeof object === "function" ? 'a function with typeObject: "auto"' : describe(object),
  );
}

function describe(object: unknown): string {
  if (Array.isArray(object)) return object.length === 0 ? "an empty list" : "a list of different things";
  return (object as object | null)?.constructor?.name ?? String(object);
}

/** This rank's items of a list or a factory, with the number of all of them. */
async function localItems<T>(
  items: Items<T>,
  ctx: DistributedContext,
  { numOperators, factoryKwargs = {} }: DistributeOptions,
): Promise<{ local: T[]; indexes: number[]; count: number }> {
  if (typeof items !== "function") {
    const all = [...items];
    if (numOperators !== undefined && numOperators !== all.length) {
      throw new InvalidArgumentError(
        "distribute a list",
        "numOperators",
        `its length ${all.length}`,
        String(numOperators),
      );
    }
    const indexes = ctx.localIndices(all.length);
    return { local: indexes.map((index) => all[index]), indexes, count: all.length };
  }
  if (numOperators === undefined || !Number.isInteger(numOperators) || numOperators < 1) {
    throw new InvalidArgumentError(
      "distribute a factory",
      "numOperators",
      "a whole number >= 1",
      String(numOperators),
    );
  }
  const kwargs = await ctx.broadcastObject(factoryKwargs, 0);
  const indexes = ctx.localIndices(numOperators);
  const local: T[] = [];
  for (const index of indexes) local.push(await items(index, ctx.device, kwargs));
  return { local, indexes, count: numOperators };
}

async function distributePhysics(
  items: Items<Physics<Tensor>>,
  ctx: DistributedContext,
  type: "physics" | "linear_physics",
  options: DistributeOptions,
): Promise<DistributedStackedPhysics | DistributedStackedLinearPhysics> {
  const { local, indexes, count } = await localItems(items, ctx, options);
  for (const operator of local) {
    if (!(operator instanceof Physics)) {
      throw new InvalidArgumentError(
        "distribute operators",
        "every operator",
        "a Physics",
        describe(operator),
      );
    }
  }
  const linearHere = local.every((operator) => operator instanceof LinearPhysics);
  const linear = typeof items === "function" ? await everyRank(ctx, linearHere) : [...items].every(isLinear);
  if (!linear && type === "linear_physics") {
    throw new InvalidArgumentError(
      "distribute operators",
      "every operator",
      'linear for typeObject "linear_physics"',
      "another Physics",
    );
  }
  return linear
    ? new DistributedStackedLinearPhysics(
      new OperatorShare(ctx, count, indexes, local as LinearPhysics<Tensor>[]),
    )
    : new DistributedStackedPhysics(new OperatorShare(ctx, count, indexes, local));
}

function isLinear(operator: Physics): boolean {
  return operator instanceof LinearPhysics;
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
  const { local, indexes, count } = await localItems(object, ctx, options);
  const byIndex = new Map(indexes.map((index, k) => [index, local[k]]));
  for (const fidelity of local) {
    if (!(fidelity instanceof DataFidelity)) {
      throw new InvalidArgumentError(
        "distribute fidelities",
        "every fidelity",
        "a DataFidelity",
        describe(fidelity),
      );
    }
  }
  return new DistributedDataFidelity((index) => byIndex.get(index)!, ctx, { reduction, numOperators: count });
}
