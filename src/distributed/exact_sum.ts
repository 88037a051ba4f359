/**
 * Sums over operators whose bits depend neither on the number of ranks nor on who holds which operator.
 *
 * Every value is rounded to a whole multiple of one unit, a power of two so small that the largest value of all operators
 * still has 2^52 / n of them; whole numbers below 2^53 add up exactly in float64, in any order:
 *
 *     max = max_i |v_i|,  unit = 2^(ceil(log2 max) + ceil(log2 n) - 52),  sum = unit * sum_i round(v_i / unit)
 *
 * The rounding is at most 2^-40 of the largest value for up to 4,096 operators, less than that of float32. After Demmel
 * and Nguyen, "Fast Reproducible Floating-Point Summation", ARITH 2013. Two allReduces: one number, and float64 values.
 */

import { Tensor } from "../tensor/tensor.ts";
import type { DistributedContext } from "./context.ts";

/** Bits of the sum's magnitude; one less than float64 holds exactly. */
const SUM_BITS = 52;

/**
 * The sum of all ranks' parts, times `scale`, with the same bits for every number of ranks. Where a value is NaN or
 * infinite the result is an ordinary sum.
 *
 * @param parts this rank's terms, left alone; may be empty
 * @param count of the terms of all ranks
 * @param shape of every term
 */
export async function exactSum(
  ctx: DistributedContext,
  parts: readonly Tensor[],
  count: number,
  shape: readonly number[],
  scale: number,
): Promise<Tensor> {
  const terms = await Promise.all(parts.map((part) => part.data()));
  const [largest] = await ctx.allReduce(Float64Array.of(largestMagnitude(terms)), { op: "max" });
  const isExact = Number.isFinite(largest) && largest > 0;
  const bits = SUM_BITS - Math.ceil(Math.log2(Math.max(count, 1)));
  const unit = isExact ? 2 ** (Math.ceil(Math.log2(largest)) - bits) : 1;
  const sums = new Float64Array(shape.reduce((product, extent) => product * extent, 1));
  for (const values of terms) {
    if (isExact) { for (let i = 0; i < sums.length; i++) sums[i] += Math.round(values[i] / unit); }
    else for (let i = 0; i < sums.length; i++) sums[i] += values[i];
  }
  await ctx.allReduce(sums, { op: "sum" });
  return Tensor.from(Float32Array.from(sums, (sum) => sum * unit * scale), shape, ctx);
}

/** The largest |value|; NaN if one is. */
function largestMagnitude(terms: readonly Float32Array[]): number {
  let largest = 0;
  for (const values of terms) {
    for (let i = 0; i < values.length; i++) {
      const magnitude = Math.abs(values[i]);
      if (!(magnitude <= largest)) largest = magnitude > largest ? magnitude : NaN;
      if (Number.isNaN(largest)) return NaN;
    }
  }
  return largest;
}
