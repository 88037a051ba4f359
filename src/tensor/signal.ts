import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { sameShape, Tensor } from "./tensor.ts";
import { TensorList } from "./tensor_list.ts";

/** What an operator produces: a tensor, or a list of tensors from a stack. */
export type Signal = Tensor | TensorList;

/** The tensors of a signal, in order. */
export function entriesOf(signal: Signal): readonly Tensor[] {
  return signal instanceof Tensor ? [signal] : [...signal];
}

/** A signal of the same kind with the results of f, entry by entry and one after the other. */
export async function mapEntries<S extends Signal>(
  signal: S,
  f: (entry: Tensor, index: number) => Promise<Tensor>,
): Promise<S> {
  const results = await collect(entriesOf(signal), f);
  return (signal instanceof Tensor ? results[0] : TensorList.from(results)) as S;
}

/** The results of f, one after the other; those already there are disposed when a later one fails. */
export async function collect<T>(
  items: readonly T[],
  f: (item: T, index: number) => Promise<Tensor>,
): Promise<Tensor[]> {
  const results: Tensor[] = [];
  try {
    for (const [i, item] of items.entries()) results.push(await f(item, i));
    return results;
  } catch (error) {
    results.forEach((result) => result.dispose());
    throw error;
  }
}

/** The sum of f over a list of at least one item, one after the other; holds two results at most. */
export async function sumOver<T>(
  items: readonly T[],
  f: (item: T, index: number) => Promise<Tensor>,
): Promise<Tensor> {
  let total = await f(items[0], 0);
  for (let i = 1; i < items.length; i++) {
    using previous = total;
    using next = await f(items[i], i);
    total = previous.add(next);
  }
  return total;
}

/** `result`, or a copy of it where a function gave back its input, so that each can be disposed on its own. */
export function owned(result: Tensor, input: Tensor): Tensor {
  return result === input ? input.clone() : result;
}

/** a - b for signals of one kind. */
export function subtract<S extends Signal>(a: S, b: S): S {
  return (a instanceof Tensor ? a.sub(b as Tensor) : a.sub(b as TensorList)) as S;
}

/**
 * The inner product of each batch item over all other dimensions (and all entries of a list): shape (B,).
 *
 * @throws {InvalidArgumentError} when the signals are not of the same shape
 */
export function dotPerItem(a: Signal, b: Signal): Tensor {
  requireSameShape("dot", "the second signal", b, a);
  const others = entriesOf(b);
  const [first, ...rest] = entriesOf(a);
  if (!first) throw new InvalidArgumentError("dot", "the signals", "of at least one entry", "none");
  let total = first.dot(others[0], otherDims(first));
  for (const [i, entry] of rest.entries()) {
    using previous = total;
    using inner = entry.dot(others[i + 1], otherDims(entry));
    total = previous.add(inner);
  }
  return total;
}

/**
 * Refuses a signal whose entries are not as many and of the same shapes as the reference's.
 *
 * @throws {InvalidArgumentError} with both shapes
 */
export function requireSameShape(
  action: string,
  argument: string,
  signal: Signal,
  reference: Signal,
): void {
  const found = entriesOf(signal), wanted = entriesOf(reference);
  const fits = found.length === wanted.length &&
    found.every((entry, i) => sameShape(entry.shape, wanted[i].shape));
  if (fits) return;
  throw new InvalidArgumentError(action, argument, `of shape ${shapeText(wanted)}`, shapeText(found));
}

function shapeText(entries: readonly Tensor[]): string {
  return entries.map((entry) => formatShape(entry.shape)).join(", ") || "none";
}

/** All dimensions but the first, which is the batch. */
export function otherDims(tensor: Tensor): number[] {
  return tensor.shape.slice(1).map((_, d) => d + 1);
}

/**
 * One value per batch item, or one for all, shaped to broadcast against `like`: (B|1, 1, ..., 1). `action` and
 * `argument` are for the message.
 *
 * @param values (B,), (1,), or any other shape of as many values
 * @throws {InvalidArgumentError} for another number of values
 */
export function perItem(
  values: Tensor,
  like: Tensor,
  action = "scale every item",
  argument = "values",
): Tensor {
  const batch = like.shape[0];
  if (values.numel !== 1 && values.numel !== batch) {
    throw new InvalidArgumentError(
      action,
      argument,
      `a number or one value per item (${batch},)`,
      formatShape(values.shape),
    );
  }
  return values.reshape([values.numel, ...otherDims(like).map(() => 1)]);
}

/** The number of values that are NaN or infinite. */
export async function countNonFinite(signal: Signal): Promise<number> {
  let count = 0;
  for (const entry of entriesOf(signal)) {
    using marks = entry.nonFinite();
    using sum = marks.sum();
    count += await sum.item();
  }
  return count;
}
