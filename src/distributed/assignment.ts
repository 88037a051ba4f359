import { InvalidArgumentError } from "../util/errors.ts";

/** How items are shared among ranks: in turn, or so that the ranks' costs are about equal. */
export type AssignmentName = "roundRobin" | "round_robin" | "balanced";

/**
 * Which rank has which item: the same on every rank.
 *
 * @example Five tiles, one of them large, on two ranks
 * ```ts
 * import assert from "node:assert/strict";
 * import { Assignment } from "@deepinv/distributed";
 *
 * const inTurn = Assignment.roundRobin(5, 2);
 * assert.deepEqual([inTurn.itemsOf(0), inTurn.itemsOf(1)], [[0, 2, 4], [1, 3]]);
 * const fair = Assignment.balanced([4, 1, 1, 1, 1], [1, 1]); // costs of the items, speeds of the ranks
 * assert.deepEqual([fair.itemsOf(0), fair.itemsOf(1)], [[0], [1, 2, 3, 4]]);
 * assert.equal(fair.owner(3), 1);
 * const results = [["of 0"], ["of 1", "of 2", "of 3", "of 4"]]; // by rank
 * assert.deepEqual(fair.inOrder(results), ["of 0", "of 1", "of 2", "of 3", "of 4"]);
 * ```
 */
export class Assignment {
  readonly #owners: readonly number[];

  /**
   * Takes the owner of every item.
   *
   * @param owners a rank for every item
   */
  constructor(owners: readonly number[]) {
    this.#owners = owners;
  }

  /** Item i goes to rank i mod ranks. */
  static roundRobin(items: number, ranks: number): Assignment {
    return new Assignment(Array.from({ length: items }, (_, i) => i % ranks));
  }

  /**
   * The longest processing time rule (Graham, 1969): from the costliest item on, each goes to the rank that would be done
   * with it first, the lowest one of several. The slowest rank takes at most 4/3 of the best possible time on equal ranks.
   * Rank 0 has an item whenever there are any and no rank is faster.
   *
   * @param costs of the items, >= 0; at least a billionth of the largest counts, so that no rank idles beside free items
   * @param speeds of the ranks, > 0
   */
  static balanced(costs: readonly number[], speeds: readonly number[]): Assignment {
    const least = Math.max(...costs, 0) * 1e-9 || 1;
    const floored = costs.map((cost) => Math.max(cost, least));
    const order = costs.map((_, i) => i).sort((a, b) => floored[b] - floored[a] || a - b);
    const loads = speeds.map(() => 0);
    const owners = new Array<number>(costs.length);
    for (const item of order) {
      let best = 0;
      speeds.forEach((speed, rank) => {
        const ends = (loads[rank] + floored[item]) / speed;
        if (ends < (loads[best] + floored[item]) / speeds[best]) best = rank;
      });
      loads[best] += floored[item];
      owners[item] = best;
    }
    return new Assignment(owners);
  }

  /** Number of items. */
  get length(): number {
    return this.#owners.length;
  }

  /** The rank that has an item. */
  owner(item: number): number {
    return this.#owners[item];
  }

  /** The items of a rank, ascending. */
  itemsOf(rank: number): number[] {
    return this.#owners.flatMap((owner, item) => (owner === rank ? [item] : []));
  }

  /** For every rank a list of something, by the order of its items; as one list by item. */
  inOrder<T>(byRank: readonly (readonly T[])[]): T[] {
    const read = byRank.map(() => 0);
    return this.#owners.map((rank) => byRank[rank][read[rank]++]);
  }
}

/**
 * Whether the option asks for a balanced share.
 *
 * @throws {InvalidArgumentError} for an unknown name
 */
export function isBalanced(assignment: AssignmentName = "roundRobin"): boolean {
  if (assignment === "balanced") return true;
  if (assignment === "roundRobin" || assignment === "round_robin") return false;
  throw new InvalidArgumentError("distribute", "assignment", '"roundRobin", "balanced"', `"${assignment}"`);
}

/**
 * Refuses costs that are not one number >= 0 for each item.
 *
 * @throws {InvalidArgumentError} otherwise
 */
export function checkCosts(costs: readonly number[], items: number): void {
  const fits = costs.length === items && costs.every((cost) => cost >= 0 && cost < Infinity);
  if (!fits) {
    const requirement = `${items} finite numbers >= 0, one for each item`;
    throw new InvalidArgumentError("distribute", "costs", requirement, `[${costs}]`);
  }
}
