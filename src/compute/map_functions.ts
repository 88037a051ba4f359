/**
 * Functions of `MapKernel` by number of inputs; `s` and `t` are its two scalars.
 *
 * @example A device computes what a kernel describes: a + s b
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice } from "@deepinv/distributed/tensor";
 *
 * const device = await openDevice("cpu");
 * const [a, b, out] = [1, 2, 3].map(() => device.allocate(3));
 * device.write(a, Float32Array.of(1, 2, 3));
 * device.write(b, Float32Array.of(0.5, 0.5, 0.5));
 * const row = { offset: 0, strides: [1] }, backwards = { offset: 2, strides: [-1] };
 * const views = { inputs: [backwards, row], output: row }; // "axpy" has two inputs
 * device.run({ kind: "map", fn: "axpy", shape: [3], ...views, scalars: [10, 0] }, [a, b], out);
 * assert.deepEqual([...await device.read(out)], [8, 7, 6]);
 * device.close();
 * ```
 */
export const MAP_FUNCTIONS = {
  /** s */
  fill: 0,
  /** a */
  copy: 1,
  /** -a */
  neg: 1,
  /** |a| */
  abs: 1,
  /** a^2 */
  square: 1,
  /** The square root; NaN below 0. */
  sqrt: 1,
  /** e^a */
  exp: 1,
  /** The natural logarithm; NaN below 0. */
  log: 1,
  /** The sine of a in radians. */
  sin: 1,
  /** The cosine of a in radians. */
  cos: 1,
  /** -1, 0 or 1; NaN stays NaN */
  sign: 1,
  /** max(a, 0); NaN stays NaN */
  relu: 1,
  /** s a + t */
  affine: 1,
  /** s / a */
  reciprocal: 1,
  /** a^s for a >= 0 */
  power: 1,
  /** min(max(a, s), t); NaN stays NaN */
  clamp: 1,
  /** 1 where a is NaN or infinite, else 0 */
  nonFinite: 1,
  /** a + b */
  add: 2,
  /** a - b */
  sub: 2,
  /** a b */
  mul: 2,
  /** a / b */
  div: 2,
  /** The smaller of a and b; NaN when either is. */
  minimum: 2,
  /** The larger of a and b; NaN when either is. */
  maximum: 2,
  /** a + s b */
  axpy: 2,
  /** 1 where a > b, else 0 */
  greater: 2,
  /** 1 where a >= b, else 0 */
  greaterEqual: 2,
  /** 1 where a = b, else 0 */
  equal: 2,
  /** a where the condition c is not 0, else b; inputs in the order c, a, b */
  where: 3,
} as const;

/** The name of an elementwise function. */
export type MapFunction = keyof typeof MAP_FUNCTIONS;
