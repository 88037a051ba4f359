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

type Kernel = (into: TypedArray, from: TypedArray) => void;
type StridedKernel = (
  into: TypedArray,
  all: TypedArray,
  first: number,
  stride: number,
  count: number,
) => void;
type Combiner = Exclude<ReduceOp, "avg">;

/** `Math.min` and `Math.max` propagate NaN, as IEEE 754's minimum and maximum do. */
const FLOAT = { sum: "a + b", prod: "a * b", min: "Math.min(a, b)", max: "Math.max(a, b)" };
/** `Math.imul` keeps 32-bit products exact modulo 2^32; a double would round them. */
const INTEGER = { ...FLOAT, prod: "Math.imul(a, b)" };
const BIGINT = { sum: "a + b", prod: "a * b", min: "b < a ? b : a", max: "b > a ? b : a" };

const KERNELS = new Map<unknown, Record<Combiner, Kernel>>();

/**
 * A fresh function per element type and operator: a loop that has met one type only compiles to typed loads and
 * stores, one shared between types is several times slower. The expressions are the constants above.
 */
function compile(expression: string): Kernel {
  const body =
    `for (let i = 0; i < into.length; i++) { const a = into[i], b = from[i]; into[i] = ${expression}; }`;
  return new Function("into", "from", body) as Kernel;
}

function kernelsOf(array: TypedArray): Record<Combiner, Kernel> {
  let kernels = KERNELS.get(array.constructor);
  if (kernels === undefined) {
    const table = expressionsOf(array);
    kernels = {
      sum: compile(table.sum),
      prod: compile(table.prod),
      min: compile(table.min),
      max: compile(table.max),
    };
    KERNELS.set(array.constructor, kernels);
  }
  return kernels;
}

function expressionsOf(array: TypedArray): Record<Combiner, string> {
  return isBigInt(array) ? BIGINT : isFloat(array) ? FLOAT : INTEGER;
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
  kernelsOf(into)[op === "avg" ? "sum" : op](into, from);
}

const STRIDED = new Map<unknown, Map<Combiner, StridedKernel>>();

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
  const combiner = op === "avg" ? "sum" : op;
  let kernels = STRIDED.get(into.constructor);
  if (kernels === undefined) STRIDED.set(into.constructor, kernels = new Map());
  let kernel = kernels.get(combiner);
  if (kernel === undefined) kernels.set(combiner, kernel = compileStrided(expressionsOf(into)[combiner]));
  kernel(into, all, first, stride, count);
}

/** As {@link compile}; each step is rounded to the element type, as in {@link reduceInto}. */
function compileStrided(expression: string): StridedKernel {
  const body = `for (let i = 0; i < into.length; i++) {
    into[i] = all[first + i];
    for (let j = 1; j < count; j++) {
      const a = into[i], b = all[first + j * stride + i];
      into[i] = ${expression};
    }
  }`;
  return new Function("into", "all", "first", "stride", "count", body) as StridedKernel;
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
