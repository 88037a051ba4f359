import type { Signal } from "../tensor/signal.ts";
import type { SquareSolverOptions } from "./bicgstab.ts";
import {
  applied,
  dotItems,
  Held,
  type LinearFunction,
  normItems,
  plusScaled,
  residualOf,
  scaledItems,
  zerosLike,
} from "./item_arithmetic.ts";
import { checkLimits } from "./iteration_limits.ts";

/** Off-diagonal entries of the tridiagonal matrix are at least this, for a right-hand side of norm 1. */
const SMALLEST_BETA = 1e-6;
/** Right-hand sides of a smaller norm count as zero. */
const SMALLEST_NORM = 1e-10;

/** The scalars of one batch item: the last off-diagonal entry, two Givens rotations, and what is left of the residual. */
interface ItemState {
  beta: number;
  cosine: number;
  sine: number;
  previousCosine: number;
  previousSine: number;
  scale: number;
  /** The Krylov space is exhausted: the item keeps its solution. */
  done: boolean;
}

/** What one step takes of the search directions. */
interface Step {
  readonly subdiagonal: number;
  readonly second: number;
  readonly inverse: number;
  readonly length: number;
}

/**
 * Solves A x = b for a symmetric A, which may be indefinite, by the method of minimal residuals (Paige and Saunders,
 * "Solution of sparse indefinite systems of linear equations", 1975), every batch item on its own. The right-hand side is
 * scaled to norm 1; stops when the step is less than tol times the solution for every item.
 *
 * @param A applies the matrix
 * @param b (B, ...), or a list of such
 * @returns x, a new signal of b's shape
 * @throws {InvalidArgumentError} for limits out of range
 *
 * @example A symmetric system that is not positive definite
 * ```ts
 * import assert from "node:assert/strict";
 * import { minres, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const eigenvalues = Tensor.from([[3, -2, 1, -1]]);
 * const A = (x: Tensor): Promise<Tensor> => Promise.resolve(x.mul(eigenvalues));
 * const x = await minres(A, Tensor.from([[6, 6, 6, 6]]), { maxIter: 20 });
 * assert.ok(await x.sub(Tensor.from([[2, -3, 6, -6]])).abs().max().item() < 1e-4);
 * ```
 */
export async function minres<S extends Signal>(
  A: LinearFunction<S>,
  b: S,
  { init, maxIter = 100, tol = 1e-5 }: SquareSolverOptions<S> = {},
): Promise<S> {
  checkLimits("solve by minimal residuals", { maxIter, tol });
  const norms = (await normItems(b)).map((norm) => norm < SMALLEST_NORM ? 0 : norm);
  const inverses = norms.map((norm) => norm > 0 ? 1 / norm : 0);
  using right = scaledItems(b, inverses);
  using x = new Held<S>(init ? scaledItems(init, inverses) : zerosLike(b));
  using z = new Held<S>(init ? await residualOf(A, x.value, right) : right.clone() as S);
  const items = Array.from(await normItems(z.value), begin);
  z.value = scaledItems(z.value, items.map(({ beta }) => 1 / beta));
  using zBefore = new Held<S>(zerosLike(b));
  using d = new Held<S>(zerosLike(b));
  using dBefore = new Held<S>(zerosLike(b));
  for (let k = 0; k < maxIter && !items.every(({ done }) => done); k++) {
    using Az = await applied(A, z.value);
    const alpha = await dotItems(Az, z.value);
    using without = plusScaled<S>(Az, z.value, alpha.map((value) => -value));
    using next = plusScaled<S>(without, zBefore.value, items.map(({ beta }) => -beta));
    const beta = (await normItems(next)).map((norm) => Math.max(norm, SMALLEST_BETA));
    zBefore.value = z.take();
    z.value = scaledItems(next, beta.map((value) => 1 / value));
    const steps = items.map((item, i) => advance(item, alpha[i], beta[i]));
    using first = plusScaled<S>(zBefore.value, d.value, steps.map(({ subdiagonal }) => -subdiagonal));
    using both = plusScaled<S>(first, dBefore.value, steps.map(({ second }) => -second));
    dBefore.value = d.take();
    d.value = scaledItems(both, steps.map(({ inverse }) => inverse));
    x.value = plusScaled(x.value, d.value, steps.map(({ length }) => length));
    const lengths = await normItems(d.value), sizes = await normItems(x.value);
    if (steps.every(({ length }, i) => Math.abs(length) * lengths[i] <= tol * sizes[i])) break;
  }
  return scaledItems(x.value, norms);
}

function begin(norm: number): ItemState {
  const beta = Math.max(norm, SMALLEST_BETA);
  const done = norm <= SMALLEST_BETA;
  return { beta, cosine: 1, sine: 0, previousCosine: 1, previousSine: 0, scale: beta, done };
}

/** One step of an item's QR factorisation of the tridiagonal matrix. */
function advance(item: ItemState, alpha: number, beta: number): Step {
  const second = item.previousSine * item.beta;
  const above = item.previousCosine * item.beta;
  const diagonal = alpha * item.cosine - item.sine * above;
  const subdiagonal = above * item.cosine + item.sine * alpha;
  const radius = Math.hypot(diagonal, beta);
  const cosine = diagonal / radius, sine = beta / radius;
  const length = item.done ? 0 : item.scale * cosine;
  const step = { subdiagonal, second, inverse: item.done ? 0 : 1 / radius, length };
  item.done ||= beta <= SMALLEST_BETA;
  item.scale = -item.scale * sine;
  [item.previousCosine, item.previousSine] = [item.cosine, item.sine];
  [item.cosine, item.sine, item.beta] = [cosine, sine, beta];
  return step;
}
