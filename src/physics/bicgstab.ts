import type { Signal } from "../tensor/signal.ts";
import {
  applied,
  dotItems,
  Held,
  type LinearFunction,
  plusScaled,
  residualOf,
  squaredLimits,
  zerosLike,
} from "./item_arithmetic.ts";
import { checkLimits } from "./iteration_limits.ts";

/** Options of {@link bicgstab} and {@link minres}. */
export interface SquareSolverOptions<S extends Signal = Signal> {
  /** The start; zero by default. Left alone. */
  init?: S;
  /** Most iterations; default 100. */
  maxIter?: number;
  /** Relative accuracy at which every batch item counts as solved; default 1e-5. */
  tol?: number;
}

/**
 * Denominators smaller than this count as a breakdown: the item's step is then 0. deepinv's bound, float32's precision 1.2e-7,
 * stops items whose residual is about 3e-4.
 */
const BREAKDOWN = 1e-30;

/** Residuals this small against the right-hand side are rounding in float32; further steps would only add to it. */
const SMALLEST_TOLERANCE = 2 ** -22;

/**
 * Solves A x = b for a square A by the stabilised biconjugate gradients (van der Vorst, "Bi-CGSTAB", 1992), every batch item
 * with its own step sizes; an item is left alone once ||b - A x|| < tol ||b||.
 *
 * @param A applies the matrix, which need not be symmetric
 * @param b (B, ...), or a list of such
 * @returns x, a new signal of b's shape
 * @throws {InvalidArgumentError} for limits out of range
 *
 * @example A system that is not symmetric
 * ```ts
 * import assert from "node:assert/strict";
 * import { bicgstab, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * // x_k + x_(k - 1) / 2: a recursive echo
 * const echo = (x: Tensor): Promise<Tensor> => Promise.resolve(x.addScaled(x.roll(1, -1), 0.5));
 * const truth = Tensor.randn([2, 16], { seed: 1 }); // two systems, each with its own steps
 * const x = await bicgstab(echo, await echo(truth), { tol: 1e-6 });
 * assert.ok(await x.sub(truth).abs().max().item() < 1e-4);
 * ```
 */
export async function bicgstab<S extends Signal>(
  A: LinearFunction<S>,
  b: S,
  { init, maxIter = 100, tol = 1e-5 }: SquareSolverOptions<S> = {},
): Promise<S> {
  checkLimits("solve by BiCGStab", { maxIter, tol });
  using x = new Held<S>(init ? init.clone() as S : zerosLike(b));
  using r = new Held<S>(init ? await residualOf(A, x.value, b) : b.clone() as S);
  using shadow = new Held<S>(r.value.clone() as S);
  using p = new Held<S>(r.value.clone() as S);
  const limits = await squaredLimits(b, Math.max(tol, SMALLEST_TOLERANCE));
  let rho = await dotItems(r.value, shadow.value);
  const solved = Array.from(rho, (value, i) => value < limits[i]);
  const unlessSolved = (step: number, i: number): number => solved[i] ? 0 : step;
  if (solved.every(Boolean)) return x.take();
  for (let k = 0; k < maxIter; k++) {
    using v = await applied(A, p.value);
    const alpha = ratio(rho, await dotItems(shadow.value, v)).map(unlessSolved);
    using s = plusScaled<S>(r.value, v, alpha.map((value) => -value));
    using t = await applied(A, s);
    const omega = ratio(await dotItems(t, s), await dotItems(t, t)).map(unlessSolved);
    x.value = plusScaled(x.value, p.value, alpha);
    x.value = plusScaled(x.value, s, omega);
    r.value = plusScaled(s, t, omega.map((value) => -value));
    const squares = await dotItems(r.value, r.value);
    squares.forEach((value, i) => solved[i] ||= value < limits[i]);
    if (solved.every(Boolean)) break;
    const rhoNext = await dotItems(r.value, shadow.value);
    const beta = rhoNext.map((next, i) =>
      isSafe(rho[i]) && isSafe(omega[i]) ? next / rho[i] * (alpha[i] / omega[i]) : 0
    );
    using direction = plusScaled<S>(p.value, v, omega.map((value) => -value));
    p.value = plusScaled(r.value, direction, beta);
    rho = rhoNext;
  }
  return x.take();
}

function isSafe(denominator: number): boolean {
  return Math.abs(denominator) > BREAKDOWN;
}

function ratio(numerators: Float64Array, denominators: Float64Array): Float64Array {
  return numerators.map((value, i) => isSafe(denominators[i]) ? value / denominators[i] : 0);
}
