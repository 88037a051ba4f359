import { RankFailedError } from "../comm/errors.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";

/** What this rank made, and what every rank says of its own, by rank. */
export interface Agreed<T, R> {
  readonly result: T;
  readonly reports: readonly R[];
}

/** What a rank tells the others: that it is done, or what stopped it. */
type Answer<R> = { readonly report: R } | { readonly failure: string };

/**
 * Work that every rank does alone, for example calling a user's function: it is done on all ranks or fails on all of them,
 * so that none waits for one that has stopped. One allGather of small objects.
 *
 * @param operation names the work in errors
 * @param report what the others need to know of a result; structured-clonable
 * @throws {RankFailedError} where the work was done here and failed on another rank
 * @throws what stopped the work here
 */
export async function allOrNone<T, R>(
  ctx: DistributedContext,
  operation: string,
  work: () => T | Promise<T>,
  report: (result: T) => R,
): Promise<Agreed<T, R>> {
  if (!ctx.isDistributed) {
    const result = await work();
    return { result, reports: [report(result)] };
  }
  const own = await attempt(work);
  const answer: Answer<R> = "result" in own
    ? { report: report(own.result) }
    : { failure: String(own.error).split("\n", 1)[0] };
  const answers = await ctx.allGatherObject(answer);
  if (!("result" in own)) throw own.error;
  const reports = answers.map((one, rank) => {
    if ("report" in one) return one.report;
    const message = `Cannot complete ${operation}: rank ${rank} stopped with ${one.failure}`;
    throw new RankFailedError(message, { operation, sequence: 0, ranks: [rank] });
  });
  return { result: own.result, reports };
}

/**
 * Refuses settings that differ between ranks, on all of them.
 *
 * @param byRank each rank's settings as text, by name
 * @throws {InvalidArgumentError} naming the first setting and rank that differ from rank 0's
 */
export function requireEqual(action: string, byRank: readonly Readonly<Record<string, string>>[]): void {
  for (const [name, value] of Object.entries(byRank[0])) {
    const rank = byRank.findIndex((settings) => settings[name] !== value);
    if (rank < 0) continue;
    const requirement = `the same on all ranks, on rank 0 ${value}`;
    throw new InvalidArgumentError(action, name, requirement, `${byRank[rank][name]} on rank ${rank}`);
  }
}

async function attempt<T>(work: () => T | Promise<T>): Promise<{ result: T } | { error: unknown }> {
  try {
    return { result: await work() };
  } catch (error) {
    return { error };
  }
}
