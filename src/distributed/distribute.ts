import { Denoiser } from "../models/denoiser.ts";
import { DataFidelity } from "../optim/data_fidelity.ts";
import { Prior } from "../optim/prior.ts";
import { StackedPhysicsDataFidelity } from "../optim/stacked_fidelity.ts";
import type { LinearPhysics } from "../physics/linear_physics.ts";
import { Physics } from "../physics/physics.ts";
import { StackedLinearPhysics, StackedPhysics } from "../physics/stacked.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { allOrNone, requireEqual } from "./agreement.ts";
import { checkCosts, isBalanced } from "./assignment.ts";
import { DistributedContext } from "./context.ts";
import { DistributedDataFidelity } from "./data_fidelity.ts";
import { checkOptions, type DistributeOptions, type ObjectType, settingsOf } from "./distribute_options.ts";
import { countOf, describe, type Factory, type ItemKind, type Items, numberedItems } from "./factory.ts";
import { placeOperators } from "./operator_source.ts";
import { OperatorShare } from "./operator_share.ts";
import { DistributedPrior } from "./prior.ts";
import { DistributedProcessing } from "./processing.ts";
import { DistributedStackedLinearPhysics } from "./stacked_linear_physics.ts";
import { DistributedStackedPhysics } from "./stacked_physics.ts";

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
 * What is wrong on one rank fails on all of them: an option out of range, or a factory that throws.
 *
 * @throws {InvalidArgumentError} when the object is none of these, an option is out of range, or ranks differ in one
 * @throws {RankFailedError} when it fails on another rank
 *
 * @example Operators that are built where they are needed
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, distribute, DistributedContext, gaussianBlur, L2, PGD, sheppLogan } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const blur = (index: number) => new Blur({ filter: gaussianBlur({ sigma: 1 + index / 2 }), padding: "circular" });
 * const physics = await distribute(blur, ctx, { typeObject: "linear_physics", numOperators: 3 });
 * const image = sheppLogan(32);
 * const y = await physics.A(image);
 * assert.equal(y.length, 3);
 * const dataFidelity = await distribute(new L2(), ctx, { reduction: "mean" });
 * const { metrics: { psnr: [psnr] } } = await new PGD({ dataFidelity, maxIter: 10 }).run(y, physics, { xGt: image });
 * assert(psnr[10] > psnr[0]); // algorithms take distributed objects like local ones
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
): Promise<Distributed> {
  if (!(ctx instanceof DistributedContext)) {
    throw new InvalidArgumentError("distribute", "ctx", "a DistributedContext", describe(ctx));
  }
  const { result: { finish }, reports } = await allOrNone(
    ctx,
    "distribute",
    () => taskOf(object, ctx, options),
    ({ settings }) => settings,
  );
  requireEqual("distribute", reports);
  return await finish();
}

type Distributed =
  | DistributedStackedPhysics
  | DistributedStackedLinearPhysics
  | DistributedDataFidelity
  | DistributedProcessing
  | DistributedPrior;

/** What is left to do with arguments that are good on this rank. */
interface Task {
  /** What has to be the same on all ranks, as text. */
  readonly settings: Readonly<Record<string, string>>;
  /** The rest, together with the other ranks. */
  readonly finish: () => Distributed | Promise<Distributed>;
}

const PHYSICS: ItemKind = { name: "Physics", isItem: (item) => item instanceof Physics };
const FIDELITY: ItemKind = { name: "DataFidelity", isItem: (item) => item instanceof DataFidelity };

/** @throws {InvalidArgumentError} for what this rank alone can tell to be wrong */
function taskOf(object: unknown, ctx: DistributedContext, options: DistributeOptions): Task {
  checkOptions(options);
  const { typeObject = "auto", reduction, numOperators } = options;
  const type = typeObject === "auto" ? typeOf(object) : typeObject;
  const task = (what: string, finish: Task["finish"]): Task => ({
    settings: { "the object": what, ...settingsOf(options) },
    finish,
  });
  if (type === "denoiser" && object instanceof Physics) {
    throw new InvalidArgumentError("distribute a denoiser", "the object", "a Denoiser", describe(object));
  }
  if (type === "denoiser" || type === "prior") {
    const made = type === "prior"
      ? new DistributedPrior(object as Prior, ctx, options)
      : new DistributedProcessing(object as Denoiser, ctx, options);
    return task(`a ${type}`, () => made);
  }
  if (type === "data_fidelity") {
    if (object instanceof DataFidelity && !(object instanceof StackedPhysicsDataFidelity)) {
      const made = new DistributedDataFidelity(() => object, ctx, { reduction });
      return task("a data fidelity", () => made);
    }
    const fidelities = requireItems<DataFidelity>("fidelities", object);
    const count = countOf(fidelities, numOperators, FIDELITY);
    return task(
      `${count} data fidelities`,
      () => distributeFidelities(fidelities, count, ctx, options),
    );
  }
  const items = requireItems<Physics<Tensor>>("operators", object);
  const parts = typeof items === "function" ? items : [...items].flatMap(partsOf);
  const count = countOf(parts, numOperators, PHYSICS);
  if (options.costs) checkCosts(options.costs, count);
  return task(`${count} operators`, () => distributePhysics(parts, count, ctx, type, options));
}

function typeOf(object: unknown): Exclude<ObjectType, "auto"> {
  if (object instanceof Denoiser) return "denoiser";
  if (object instanceof Prior) return "prior";
  if (object instanceof DataFidelity) return "data_fidelity";
  if (object instanceof StackedPhysics || object instanceof StackedLinearPhysics) return "physics";
  if (Array.isArray(object) && object.length > 0) {
    if (object.every(PHYSICS.isItem)) return "physics";
    if (object.every(FIDELITY.isItem)) return "data_fidelity";
  }
  throw new InvalidArgumentError(
    "distribute",
    "the object",
    "a stack or list of Physics, a Denoiser, a Prior, a DataFidelity or a list of them",
    describe(object),
  );
}

async function distributePhysics(
  parts: Items<Physics<Tensor>>,
  count: number,
  ctx: DistributedContext,
  type: "physics" | "linear_physics",
  options: DistributeOptions,
): Promise<DistributedStackedPhysics | DistributedStackedLinearPhysics> {
  const source = await numberedItems(parts, ctx, { ...options, count }, PHYSICS);
  const balanced = isBalanced(options.assignment);
  const placement = await placeOperators(source, ctx, { balanced, costs: options.costs });
  warnOfIdleRanks(ctx, count);
  if (!placement.linear && type === "linear_physics") {
    const requirement = 'linear for typeObject "linear_physics"';
    throw new InvalidArgumentError("distribute operators", "every operator", requirement, "another Physics");
  }
  return placement.linear
    ? new DistributedStackedLinearPhysics(new OperatorShare(ctx, source as never, placement as never))
    : new DistributedStackedPhysics(new OperatorShare(ctx, source, placement));
}

/** The operators of a nested stack, or the operator itself. */
function partsOf(operator: Physics<Tensor> | StackedPhysics | StackedLinearPhysics): Physics<Tensor>[] {
  const nested = operator instanceof StackedPhysics || operator instanceof StackedLinearPhysics;
  return nested ? [...operator] : [operator];
}

function requireItems<T>(kind: string, items: unknown): Items<T> {
  const iterable = typeof items === "function" ||
    typeof (items as Iterable<unknown> | undefined)?.[Symbol.iterator] === "function";
  if (iterable) return items as Items<T>;
  const requirement = "a stack, a list or a factory";
  throw new InvalidArgumentError(`distribute ${kind}`, "the object", requirement, describe(items));
}

function warnOfIdleRanks(ctx: DistributedContext, operators: number): void {
  const idle = ctx.worldSize - operators;
  if (idle <= 0 || ctx.rank !== 0) return;
  console.warn(`${idle} of ${ctx.worldSize} ranks get no operator: there are only ${operators}`);
}

async function distributeFidelities(
  fidelities: Items<DataFidelity>,
  count: number,
  ctx: DistributedContext,
  options: DistributeOptions,
): Promise<DistributedDataFidelity> {
  const source = await numberedItems(fidelities, ctx, { ...options, count }, FIDELITY);
  const makeOwn = async () => {
    for (const index of ctx.localIndices(count)) await source.at(index);
  };
  await allOrNone(ctx, "distribute", makeOwn, () => null);
  const { reduction } = options;
  return new DistributedDataFidelity((index) => source.at(index), ctx, { reduction, numOperators: count });
}
