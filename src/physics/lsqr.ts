import { requireSameShape, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import {
  applied,
  Held,
  type LinearFunction,
  normItems,
  plusScaled,
  residualOf,
  scaledItems,
  zerosLike,
} from "./item_arithmetic.ts";
import { checkLimits } from "./iteration_limits.ts";

/** Options of {@link lsqr}. */
export interface LsqrOptions {
  /** Damping >= 0; a number or one value per batch item (B,). Default 0. */
  eta?: number | Tensor;
  /** Where to start, and what the damping pulls towards; default 0. Left alone. */
  x0?: Tensor;
  /** Stops when the damped residual is at most tol ||b|| for every batch item; default 1e-6. */
  tol?: number;
  /** Stops when the estimated condition number of every item not yet solved exceeds this; default 1e8. */
  conlim?: number;
  /** Most iterations; default 100. */
  maxIter?: number;
}

/** The scalars of one batch item. */
interface ItemState {
  alpha: number;
  beta: number;
  rhoBar: number;
  phiBar: number;
  /** Squared Frobenius norm of the bidiagonal matrix so far. */
  anorm2: number;
  /** Sum of ||w||^2 / rho^2. */
  ddnorm: number;
  residual: number;
}

/**
 * Solves min_x ||A x - b||^2 + eta ||x - x0||^2 by LSQR (Paige and Saunders, "LSQR: an algorithm for sparse linear equations
 * and sparse least squares", 1982), every batch item on its own. Norms of lists are Euclidean over all entries.
 *
 * @param A applies the matrix
 * @param AT applies its transpose
 * @param b (B, ...), or a list of such
 * @returns x, a new tensor
 * @throws {InvalidArgumentError} when eta is negative, limits are out of range, or x0 not of the solution's shape
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { lsqr, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * // A line a + b t through noisy points (t, y): A is 4 x 2.
 * const matrix = Tensor.from([[1, 0], [1, 1], [1, 2], [1, 3]]), transposed = matrix.permute([1, 0]);
 * const A = (x: Tensor): Tensor => x.matmul(transposed);
 * const AT = (y: Tensor): Tensor => y.matmul(matrix);
 * const x = await lsqr(A, AT, Tensor.from([[1, 3, 4, 8]]));
 * assert.ok(await x.sub(Tensor.from([[0.7, 2.2]])).abs().max().item() < 1e-4);
 * const small = await lsqr(A, AT, Tensor.from([[1, 3, 4, 8]]), { eta: 10 }); // prefers small coefficients
 * assert.ok(await small.norm().item() < await x.norm().item());
 * ```
 */
export async function lsqr<Y extends Signal>(
  A: LinearFunction<Tensor, Y>,
  AT: LinearFunction<Y, Tensor>,
  b: Y,
  { eta = 0, x0, tol = 1e-6, conlim = 1e8, maxIter = 100 }: LsqrOptions = {},
): Promise<Tensor> {
  checkLimits("solve by LSQR", { maxIter, tol });
  const bnorm = await normItems(b);
  const damping = await dampingOf(eta, bnorm.length);
  using u = new Held<Y>(x0 ? await residualOf(A, x0, b) : b.clone() as Y);
  const beta = await normItems(u.value);
  u.value = scaledItems(u.value, beta.map(inverse));
  using v = new Held<Tensor>(await applied(AT, u.value));
  if (x0) requireSameShape("solve by LSQR", "x0", x0, v.value);
  const alpha = await normItems(v.value);
  v.value = scaledItems(v.value, alpha.map(inverse));
  using w = new Held<Tensor>(v.value.clone());
  using x = new Held<Tensor>(x0 ? x0.clone() : zerosLike(v.value));
  const items = Array.from(beta, (value, i) => start(alpha[i], value));
  if (items.every(({ alpha, beta }) => alpha * beta === 0)) return x.take();
  for (let k = 0; k < maxIter; k++) {
    using Av = await applied(A, v.value);
    u.value = plusScaled(Av, u.value, items.map(({ alpha }) => -alpha));
    const nextBeta = await normItems(u.value);
    u.value = scaledItems(u.value, nextBeta.map(inverse));
    using ATu = await applied(AT, u.value);
    v.value = plusScaled(ATu, v.value, nextBeta.map((value) => -value));
    const nextAlpha = await normItems(v.value);
    v.value = scaledItems(v.value, nextAlpha.map(inverse));
    const wnorm = await normItems(w.value);
    const steps = items.map((item, i) =>
      advance(item, nextAlpha[i], nextBeta[i], wnorm[i], damping[damping.length > 1 ? i : 0])
    );
    x.value = plusScaled(x.value, w.value, steps.map(([toX]) => toX));
    w.value = plusScaled(v.value, w.value, steps.map(([, toW]) => toW));
    const finished = items.every((item, i) =>
      item.residual <= tol * bnorm[i] || Math.sqrt(item.anorm2 * item.ddnorm) > conlim
    );
    if (finished) break;
  }
  return x.take();
}

function start(alpha: number, beta: number): ItemState {
  return { alpha, beta, rhoBar: alpha, phiBar: beta, anorm2: 0, ddnorm: 0, residual: beta };
}

/** One step of an item's QR factorisation: what x gains of w, and what the next w keeps of it. */
function advance(
  item: ItemState,
  alpha: number,
  beta: number,
  wnorm: number,
  eta: number,
): [toX: number, toW: number] {
  item.anorm2 += item.alpha ** 2 + beta ** 2 + eta;
  const rhoBar1 = Math.sqrt(item.rhoBar ** 2 + eta);
  const inverse1 = inverse(rhoBar1);
  const psi = Math.sqrt(eta) * inverse1 * item.phiBar;
  const phiBar1 = eta > 0 ? item.rhoBar * inverse1 * item.phiBar : item.phiBar;
  const signed = eta > 0 ? rhoBar1 : item.rhoBar;
  const rho = Math.hypot(signed, beta);
  const scale = inverse(rho), cosine = signed * scale, sine = beta * scale;
  item.rhoBar = -cosine * alpha;
  item.phiBar = sine * phiBar1;
  item.alpha = alpha;
  item.beta = beta;
  item.ddnorm += (wnorm * scale) ** 2;
  item.residual = Math.hypot(item.phiBar, psi);
  return [cosine * phiBar1 * scale, -sine * alpha * scale];
}

function inverse(value: number): number {
  return value > 0 ? 1 / value : 0;
}

/** The damping's values: one, or one for each item. */
async function dampingOf(eta: number | Tensor, batch: number): Promise<ArrayLike<number>> {
  const values = typeof eta === "number" ? [eta] : await eta.data();
  const fits = values.length === 1 || values.length === batch;
  if (fits && Array.prototype.every.call(values, (value) => value >= 0 && value < Infinity)) return values;
  throw new InvalidArgumentError(
    "solve by LSQR",
    "eta",
    `finite and >= 0, a number or one value per item (${batch},)`,
    String(values),
  );
}
