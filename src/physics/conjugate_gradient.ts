import { dotPerItem, entriesOf, perItem, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import {
  applied,
  Held,
  type LinearFunction,
  residualOf,
  squaredLimits,
  zerosLike,
} from "./item_arithmetic.ts";
import { checkLimits } from "./iteration_limits.ts";

/** Options of {@link conjugateGradient}. */
export interface ConjugateGradientOptions<S extends Signal = Tensor> {
  /** The start; zero by default. Left alone. */
  init?: S;
  /** Most iterations; default 100. */
  maxIter?: number;
  /** Stops when ||b - A x|| < tol ||b|| for every batch item; default 1e-5. */
  tol?: number;
  /**
   * Added to denominators; default 1e-8, as in deepinv. Steps shrink once residuals reach its square root: for data much
   * smaller than 1, choose less.
   */
  eps?: number;
}

/** The residual is computed anew after this many iterations, so that rounding does not build up. */
const REFRESH = 100;

/** Keeps 0 / 0 at 0 for items that are solved exactly. */
const SMALLEST_GUARD = 1e-30;

/**
 * Solves A x = b for a symmetric positive definite A by conjugate gradients (Hestenes and Stiefel, 1952), every batch
 * item with its own step sizes.
 *
 * @param A applies the matrix; its result is disposed here
 * @param b right-hand side (B, ...), or a list of such
 * @returns x, a new signal of b's shape
 * @throws {InvalidArgumentError} for limits out of range
 *
 * @example Tikhonov deblurring, by iterations
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   BlurFFT,
 *   conjugateGradient,
 *   deadLeaves,
 *   gaussianBlur,
 *   openDevice,
 *   setDefaultDevice,
 *   type Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new BlurFFT({ imgSize: [3, 16, 16], filter: gaussianBlur({ sigma: 1 }) });
 * const y = await blur.A(deadLeaves({ size: 16, seed: 1 }));
 * // (A^T A + 0.1 I) v
 * const normal = async (v: Tensor): Promise<Tensor> => {
 *   using blurred = await blur.A_adjoint_A(v);
 *   return blurred.addScaled(v, 0.1);
 * };
 * const x = await conjugateGradient(normal, await blur.A_adjoint(y), { tol: 1e-5, maxIter: 50 });
 * const exact = await blur.prox_l2(0, y, 10); // the same system, solved by Fourier transforms
 * assert.ok(await x.sub(exact).abs().max().item() < 1e-3);
 * ```
 */
export async function conjugateGradient<S extends Signal = Tensor>(
  A: LinearFunction<S>,
  b: S,
  { init, maxIter = 100, tol = 1e-5, eps = 1e-8 }: ConjugateGradientOptions<S> = {},
): Promise<S> {
  checkLimits("solve by conjugate gradients", { maxIter, tol });
  using x = new Held<S>(init ? init.clone() as S : zerosLike(b));
  using r = new Held<S>(init ? await residualOf(A, x.value, b) : b.clone() as S);
  using p = new Held<S>(r.value.clone() as S);
  using rr = new Held(dotPerItem(r.value, r.value));
  const limits = await squaredLimits(b, tol);
  const denominatorGuard = Math.max(eps, SMALLEST_GUARD);
  for (let k = 1; k <= maxIter; k++) {
    if ((await rr.value.data()).every((value, item) => value < limits[item])) break;
    using Ap = await applied(A, p.value);
    using pAp = dotPerItem(p.value, Ap);
    using safe = pAp.add(denominatorGuard);
    using alpha = rr.value.div(safe);
    x.value = scaledSum(x.value, p.value, alpha, 1);
    r.value = k % REFRESH === 0 ? await residualOf(A, x.value, b) : scaledSum<S>(r.value, Ap, alpha, -1);
    const rrNext = dotPerItem(r.value, r.value);
    using guarded = rr.value.add(denominatorGuard);
    using beta = rrNext.div(guarded);
    rr.value = rrNext;
    p.value = scaledSum(r.value, p.value, beta, 1);
  }
  return x.take();
}

/** a + sign * factor b, with one factor (B,) per batch item. */
function scaledSum<S extends Signal>(a: S, b: S, factor: Tensor, sign: 1 | -1): S {
  const others = entriesOf(b);
  const sum = (entry: Tensor, i: number): Tensor => {
    using shaped = perItem(factor, others[i]);
    using scaled = shaped.mul(others[i]);
    return entry.addScaled(scaled, sign);
  };
  return (a instanceof TensorList ? a.map(sum) : sum(a, 0)) as S;
}
