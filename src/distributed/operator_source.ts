import { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Assignment, checkCosts } from "./assignment.ts";
import { allOrNone } from "./agreement.ts";
import type { DistributedContext } from "./context.ts";

/** Where operators come from: a list that every rank has, or a factory that makes one where it is needed. */
export interface OperatorSource<P> {
  /** Number of operators of the whole stack. */
  readonly count: number;
  /** Operator i. */
  at(index: number): P | Promise<P>;
}

/** Which operators this rank has, and what is known of all of them. */
export interface OperatorPlacement<P> {
  /** Who has what. */
  readonly assignment: Assignment;
  /** This rank's operators, by number. */
  readonly local: readonly P[];
  /** Whether all ranks' operators are linear. */
  readonly linear: boolean;
  /** The names that `update` of at least one operator knows. */
  readonly parameterNames: readonly string[];
  /** Whether the operators' costs are to be measured before the first call, and the operators shared anew. */
  readonly measures: boolean;
}

/** How operators are shared. */
export interface PlacementOptions {
  readonly balanced: boolean;
  readonly costs?: readonly number[];
}

/** What the ranks tell each other of an operator. */
interface OperatorFacts {
  readonly linear: boolean;
  readonly names: readonly string[];
  readonly cost: number | undefined;
}

/**
 * Shares operators among the ranks: round robin, or balanced by the given costs, else by the operators' own `cost`, else,
 * unless the context is deterministic, by times that are measured later.
 *
 * @throws {InvalidArgumentError} when the costs are not one number >= 0 for each operator
 * @throws {RankFailedError} when an operator cannot be made on another rank
 */
export async function placeOperators<P extends Physics<Tensor>>(
  source: OperatorSource<P>,
  ctx: DistributedContext,
  { balanced, costs }: PlacementOptions,
): Promise<OperatorPlacement<P>> {
  if (costs) checkCosts(costs, source.count);
  const speeds = ctx.ranks.map(() => 1);
  const first = balanced && costs
    ? Assignment.balanced(costs, speeds)
    : Assignment.roundRobin(source.count, ctx.worldSize);
  const { result: local, reports } = await allOrNone(
    ctx,
    "distribute",
    () => operatorsOf(source, first, ctx.rank),
    (operators) => operators.map(factsOf),
  );
  const facts = first.inOrder(reports);
  const linear = facts.every((fact) => fact.linear);
  const parameterNames = [...new Set(facts.flatMap(({ names }) => names))];
  if (!balanced || costs) return { assignment: first, local, linear, parameterNames, measures: false };
  const hints = facts.map(({ cost }) => cost);
  if (!hints.every((cost) => cost !== undefined)) {
    const measures = ctx.isDistributed && !ctx.deterministic;
    return { assignment: first, local, linear, parameterNames, measures };
  }
  checkCosts(hints, source.count);
  const assignment = Assignment.balanced(hints, speeds);
  const { result: moved } = await allOrNone(
    ctx,
    "distribute",
    () => operatorsOf(source, assignment, ctx.rank, { assignment: first, local }),
    () => null,
  );
  return { assignment, local: moved, linear, parameterNames, measures: false };
}

/** A rank's operators; those that it already has are not made again. */
export async function operatorsOf<P>(
  source: OperatorSource<P>,
  assignment: Assignment,
  rank: number,
  before?: { readonly assignment: Assignment; readonly local: readonly P[] },
): Promise<P[]> {
  const had = new Map(before?.assignment.itemsOf(rank).map((index, k) => [index, before.local[k]]));
  const local: P[] = [];
  for (const index of assignment.itemsOf(rank)) local.push(had.get(index) ?? await source.at(index));
  return local;
}

function factsOf(operator: Physics<Tensor>): OperatorFacts {
  const { cost } = operator as { cost?: unknown };
  const linear = operator instanceof LinearPhysics;
  return { linear, names: operator.parameterNames, cost: typeof cost === "number" ? cost : undefined };
}
