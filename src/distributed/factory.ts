import type { Device } from "../compute/device.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";

/** Makes operator or fidelity `index` where it is needed, so that no rank builds the whole stack. */
export type Factory<T> = (index: number, device: Device, kwargs: Record<string, unknown>) => T | Promise<T>;

/** Several things: a list that every rank has, or a factory. */
export type Items<T> = Iterable<T> | Factory<T>;

/** Items by number; a factory makes each of them once on a rank that asks for it. */
export interface NumberedItems<T> {
  /** How many there are. */
  readonly count: number;
  /** Item i. */
  at(index: number): Promise<T>;
}

/**
 * Items by number. A factory gets rank 0's arguments on every rank.
 *
 * @param kind what an item is, for messages
 * @param isItem whether something is one
 * @throws {InvalidArgumentError} when the number of items is not given, or not the list's length, and for other things
 */
export async function numberedItems<T>(
  items: Items<T>,
  ctx: DistributedContext,
  { numOperators, factoryKwargs = {} }: { numOperators?: number; factoryKwargs?: Record<string, unknown> },
  kind: string,
  isItem: (item: unknown) => boolean,
): Promise<NumberedItems<T>> {
  const checked = (item: T): T => {
    if (isItem(item)) return item;
    throw new InvalidArgumentError(`distribute a ${kind}`, "every entry", `a ${kind}`, describe(item));
  };
  if (typeof items !== "function") {
    const all = [...items].map(checked);
    if (all.length === 0 || (numOperators !== undefined && numOperators !== all.length)) {
      const requirement = all.length === 0 ? ">= 1" : `its length ${all.length}`;
      const got = all.length === 0 ? "an empty list" : String(numOperators);
      throw new InvalidArgumentError("distribute a list", "numOperators", requirement, got);
    }
    return { count: all.length, at: (index) => Promise.resolve(all[index]) };
  }
  if (numOperators === undefined || !Number.isInteger(numOperators) || numOperators < 1) {
    const requirement = "a whole number >= 1";
    throw new InvalidArgumentError("distribute a factory", "numOperators", requirement, String(numOperators));
  }
  const kwargs = await ctx.broadcastObject(factoryKwargs, 0);
  const made = new Map<number, Promise<T>>();
  const make = async (index: number) => checked(await items(index, ctx.device, kwargs));
  return {
    count: numOperators,
    at: (index) => {
      let item = made.get(index);
      if (!item) made.set(index, item = make(index));
      return item;
    },
  };
}

/** What something is, for messages. */
export function describe(object: unknown): string {
  if (typeof object === "function") return "a function (for a factory, typeObject says what it makes)";
  if (Array.isArray(object)) return object.length === 0 ? "an empty list" : "a list of different things";
  return (object as object | null)?.constructor?.name ?? String(object);
}
