/** Element-wise reductions `into[i] = op(into[i], from[i])` for every supported element type. */

import { InvalidArgumentError } from "../util/errors.ts";
import type { TypedArray } from "./dtypes.ts";

/** How elements of different ranks are combined; `avg` is the sum divided by the number of ranks. */
export type ReduceOp = "sum" | "avg" | "min" | "max" | "prod";

/** Reduction operators in the order of their wire codes, which start at 1. */
export const REDUCE_OPS: readonly ReduceOp[] = ["sum", "avg", "min", "max", "prod"];

/** Wire code of an operator. */
export function reduceOpCode(op: ReduceOp): number {
  return REDUCE_OPS.indexOf(op) + 1;
}

type Combiner = Exclude<ReduceOp, "avg">;
/** `into[i] = op(into[i], from[at + i])` for every element of `into`; `copy` takes the second operand. */
type Kernel<T> = (into: T, from: T, at: number) => void;
type Kernels<T> = Readonly<Record<Combiner | "copy", Kernel<T>>>;

/** A loop for each operator, not one that calls it: the engine would not inline the call. */
const FLOAT: Kernels<Float64Array> = {
  copy(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] = from[at + i];
  },
  sum(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] += from[at + i];
  },
  prod(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] *= from[at + i];
  },
  // Math.min and Math.max propagate NaN, as IEEE 754's minimum and maximum do
  min(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] = Math.min(into[i], from[at + i]);
  },
  max(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] = Math.max(into[i], from[at + i]);
  },
};

/** `Math.imul` keeps 32-bit products exact modulo 2^32; a double would round them. */
const INTEGER: Kernels<Int32Array> = {
  copy(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] = from[at + i];
  },
  sum(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] += from[at + i];
  },
  prod(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] = Math.imul(into[i], from[at + i]);
  },
  min(into, from, at) {
    for (let i = 0; i < into.length; i++) if (from[at + i] < into[i]) into[i] = from[at + i];
  },
  max(into, from, at) {
    for (let i = 0; i < into.length; i++) if (from[at + i] > into[i]) into[i] = from[at + i];
  },
};

const BIGINT: Kernels<BigInt64Array> = {
  copy(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] = from[at + i];
  },
  sum(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] += from[at + i];
  },
  prod(into, from, at) {
    for (let i = 0; i < into.length; i++) into[i] *= from[at + i];
  },
  min(into, from, at) {
    for (let i = 0; i < into.length; i++) if (from[at + i] < into[i]) into[i] = from[at + i];
  },
  max(into, from, at) {
    for (let i = 0; i < into.length; i++) if (from[at + i] > into[i]) into[i] = from[at + i];
  },
};

/** The loops for an element type; they do not ask which of the types of their table it is. */
function kernelsOf(array: TypedArray): Kernels<TypedArray> {
  return (isFloat(array) ? FLOAT : isBigInt(array) ? BIGINT : INTEGER) as Kernels<TypedArray>;
}

function isBigInt(array: TypedArray): array is BigInt64Array | BigUint64Array {
  return array instanceof BigInt64Array || array instanceof BigUint64Array;
}

function isFloat(array: TypedArray): boolean {
  return array instanceof Float32Array || array instanceof Float64Array ||
    (globalThis.Float16Array !== undefined && array instanceof Float16Array);
}

/**
 * Combines `from` into `into`, element by element. `avg` accumulates the sum; {@link divideInto} divides.
 *
 * @param op the operator
 * @param into accumulator, overwritten
 * @param from the other operand, same type and length
 */
export function reduceInto(op: ReduceOp, into: TypedArray, from: TypedArray): void {
  kernelsOf(into)[op === "avg" ? "sum" : op](into, from, 0);
}

/**
 * Combines `count` short arrays that lie `stride` elements apart in `all`, from `first` on, into `into`, in their order.
 *
 * @param op the operator
 * @param into result, overwritten
 * @param all holds the operands, same type
 * @param first index of the first operand's first element
 * @param stride elements from one operand to the next
 * @param count number of operands
 */
export function combineStrided(
  op: ReduceOp,
  into: TypedArray,
  all: TypedArray,
  first: number,
  stride: number,
  count: number,
): void {
  const kernels = kernelsOf(into);
  const combine = kernels[op === "avg" ? "sum" : op];
  kernels.copy(into, all, first);
  for (let j = 1; j < count; j++) combine(into, all, first + j * stride);
}

/**
 * The array in which an average of `array` is accumulated: `array` itself for floats. Sums of integers of 32 bits or fewer
 * are taken in float64, where they are exact and cannot wrap.
 */
export function averageAccumulator(array: TypedArray): TypedArray {
  if (isFloat(array)) return array;
  return isBigInt(array) ? array.slice() : Float64Array.from(array as Int32Array);
}

/**
 * Writes `sums[i] / divisor` into `into`.
 *
 * @throws InvalidArgumentError if `into` holds integers and a mean is not whole; `into` is unchanged then
 */
export function divideInto(into: TypedArray, sums: TypedArray, divisor: number, action: string): void {
  if (isBigInt(into)) {
    const values = sums as BigInt64Array;
    for (const value of values) {
      if (value % BigInt(divisor) !== 0n) throw notWhole(action, into, `${value} / ${divisor}`);
    }
    for (let i = 0; i < into.length; i++) into[i] = values[i] / BigInt(divisor);
    return;
  }
  const [target, values] = [into as Float64Array, sums as Float64Array];
  if (!isFloat(into)) {
    for (const value of values) {
      if (value % divisor !== 0) throw notWhole(action, into, `${value} / ${divisor}`);
    }
  }
  for (let i = 0; i < target.length; i++) target[i] = values[i] / divisor;
}

function notWhole(action: string, array: TypedArray, got: string): InvalidArgumentError {
  return new InvalidArgumentError(
    action,
    "avg of an " + array.constructor.name,
    "whole in every element",
    got,
  );
}
