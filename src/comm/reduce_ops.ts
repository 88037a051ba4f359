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
    const table = isBigInt(array) ? BIGINT : isFloat(array) ? FLOAT : INTEGER;
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

/**
 * The array in which an average of `array` is accumulated: sums of integers of 32 bits or fewer are taken in float64,
 * where they are exact and cannot wrap.
 */
export function averageAccumulator(array: TypedArray): TypedArray {
  return isFloat(array) || isBigInt(array) ? array.slice() : Float64Array.from(array as Int32Array);
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
