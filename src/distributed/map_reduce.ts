import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";
import { exactSum } from "./exact_sum.ts";

/** What becomes of the ranks' parts: the sum or the mean over all operators, or a list (`null`). */
export type Reduction = "sum" | "mean" | null;

/** Options of every method of a distributed object. */
export interface GatherOptions {
  /** Whether every rank gets the whole result (default), or each keeps its part without communication. */
  gather?: boolean;
}

/** Options of the methods of a distributed operator. */
export interface MapReduceOptions extends GatherOptions {
  /** By default what the method means: a list for `A`, a sum for the adjoint. */
  reduceOp?: Reduction;
}

/** The options of a method whose results are summed where they name no reduction. */
export function summed({ reduceOp = "sum", ...others }: MapReduceOptions): MapReduceOptions {
  return { ...others, reduceOp };
}

/** @throws {InvalidArgumentError} for anything but sum, mean and null */
export function checkReduceOp(reduceOp: Reduction): void {
  if (reduceOp !== "sum" && reduceOp !== "mean" && reduceOp !== null) {
    throw new InvalidArgumentError(
      "combine the ranks' parts",
      "reduceOp",
      '"sum", "mean" or null',
      `"${reduceOp}"`,
    );
  }
}

/** The sum of tensors of one shape, which it takes over; `undefined` for none. */
function sumOf(parts: readonly Tensor[]): Tensor | undefined {
  let total: Tensor | undefined;
  for (const part of parts) {
    if (!total) total = part;
    else {
      using previous = total;
      using next = part;
      total = previous.add(next);
    }
  }
  return total;
}

/** How terms become a sum. */
export interface SumOptions {
  /** Factor of the sum. */
  readonly scale: number;
  /** Whether every rank gets the whole sum, or each its own part of it. */
  readonly gather: boolean;
  /** Number of terms of all ranks. */
  readonly count: number;
}

/**
 * The sum of all ranks' terms, scaled, on every rank (`gather`) or of this rank's alone. One allReduce at most; with a
 * deterministic context two, as {@link exactSum} says.
 *
 * @param terms this rank's, none on a rank without work; taken over
 * @param shape of every term
 */
export async function reduceParts(
  ctx: DistributedContext,
  terms: readonly Tensor[],
  shape: readonly number[],
  { scale, gather, count }: SumOptions,
): Promise<Tensor> {
  if (ctx.deterministic && gather) {
    try {
      return await exactSum(ctx, terms, count, shape, scale);
    } finally {
      terms.forEach((term) => term.dispose());
    }
  }
  using own = sumOf(terms) ?? Tensor.zeros(shape, ctx);
  using scaled = scale === 1 ? own.reshape(own.shape) : own.mul(scale);
  return gather ? await ctx.allReduce(scaled, { op: "sum" }) : scaled.reshape(scaled.shape);
}

/** The shapes of all tensors, by number; `anew` where what was remembered turned out to be wrong. */
export type ShapesOf = (anew: boolean) => Promise<readonly (readonly number[])[]>;

/**
 * All ranks' tensors, in the order of their numbers, on every rank. One allGather of this rank's values in one piece; what
 * this rank has itself is not copied back.
 *
 * @param own this rank's tensors with their numbers, ascending; left alone
 * @param shapesOf asked again, by all ranks, where some rank sent more or fewer values than its shapes say
 * @param owner the rank that holds a number
 */
export async function gatherTensors(
  ctx: DistributedContext,
  own: readonly (readonly [number, Tensor])[],
  shapesOf: ShapesOf,
  owner: (index: number) => number,
): Promise<Tensor[]> {
  const values = await packed(own.map(([, tensor]) => tensor));
  let shapes = await shapesOf(false);
  const received = await ctx.allGather(values);
  const sent = received.map(() => 0);
  shapes.forEach((shape, index) => sent[owner(index)] += elements(shape));
  if (!sent.every((length, rank) => length === received[rank].length)) shapes = await shapesOf(true);
  const mine = new Map(own);
  const read = received.map(() => 0);
  return shapes.map((shape, index) => {
    const rank = owner(index);
    const length = elements(shape);
    const data = received[rank].subarray(read[rank], read[rank] + length);
    read[rank] += length;
    return mine.get(index)?.reshape(shape) ?? Tensor.from(data, shape, ctx);
  });
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The values of tensors, one after the other. */
export async function packed(tensors: readonly Tensor[]): Promise<Float32Array> {
  const values = await Promise.all(tensors.map((tensor) => tensor.data()));
  if (values.length === 1) return values[0];
  const all = new Float32Array(values.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of values) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** This rank's entries of a list that holds either all operators' entries or this rank's alone. */
export function localEntries(
  action: string,
  entries: readonly Tensor[],
  numOperators: number,
  localIndexes: readonly number[],
): Tensor[] {
  if (entries.length === numOperators) return localIndexes.map((index) => entries[index]);
  if (entries.length === localIndexes.length) return [...entries];
  throw new InvalidArgumentError(
    action,
    "y",
    `a TensorList of ${numOperators} entries (all operators), or ${localIndexes.length} (this rank's)`,
    `${entries.length}`,
  );
}
