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

/** What is being shared out. */
export interface ItemKind {
  /** What an item is, for messages. */
  readonly name: string;
  /** Whether something is one. */
  readonly isItem: (item: unknown) => boolean;
}

/**
 * How many items there are.
 *
 * @throws {InvalidArgumentError} when the number of a factory's items is not given, or not the list's length, and for
 * entries of another kind
 */
export function countOf<T>(items: Items<T>, numOperators: number | undefined, kind: ItemKind): number {
  if (typeof items !== "function") {
    const { length } = [...items].map((item) => checked(item, kind));
    if (length === 0 || (numOperators !== undefined && numOperators !== length)) {
      const requirement = length === 0 ? ">= 1" : `its length ${length}`;
      const got = length === 0 ? "an empty list" : String(numOperators);
      throw new InvalidArgumentError("distribute a list", "numOperators", requirement, got);
    }
    return length;
  }
  if (numOperators === undefined || !Number.isInteger(numOperators) || numOperators < 1) {
    const requirement = "a whole number >= 1";
    throw new InvalidArgumentError("distribute a factory", "numOperators", requirement, String(numOperators));
  }
  return numOperators;
}

/**
 * Items by number. A factory gets rank 0's arguments on every rank.
 *
 * @param count as {@link countOf} gives it
 */
export async function numberedItems<T>(
  items: Items<T>,
  ctx: DistributedContext,
  { count, factoryKwargs = {} }: { count: number; factoryKwargs?: Record<string, unknown> },
  kind: ItemKind,
): Promise<NumberedItems<T>> {
  if (typeof items !== "function") {
    const all = [...items];
    return { count, at: (index) => Promise.resolve(all[index]) };
  }
  const kwargs = await ctx.broadcastObject(factoryKwargs, 0);
  const made = new Map<number, Promise<T>>();
  const make = async (index: number) => checked(await items(index, ctx.device, kwargs), kind);
  return {
    count,
    at: (index) => {
      let item = made.get(index);
      if (!item) made.set(index, item = make(index));
      return item;
    },
  };
}

function checked<T>(item: T, { name, isItem }: ItemKind): T {
  if (isItem(item)) return item;
  throw new InvalidArgumentError(`distribute a ${name}`, "every entry", `a ${name}`, describe(item));
}

/** What something is, for messages. */
export function describe(object: unknown): string {
  if (typeof object === "function") return "a function (for a factory, typeObject says what it makes)";
  if (Array.isArray(object)) return object.length === 0 ? "an empty list" : "a list of different things";
  return (object as object | null)?.constructor?.name ?? String(object);
}
