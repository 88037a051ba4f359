import { entriesOf, type Signal, subtract } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { applied, Held, type LinearFunction } from "./item_arithmetic.ts";
import { checkLimits } from "./iteration_limits.ts";

/** A linear operator and its adjoint. */
interface LinearMapPair<Y extends Signal> {
  A(x: Tensor): Promise<Y>;
  A_adjoint(y: Y): Promise<Tensor>;
}

/** A vector shorter than this share of the matrix's norm is rounding: the Krylov space is exhausted. */
const EXHAUSTED = 1e-6;

/**
 * An estimate of an operator's condition number on the complement of its null space: the extreme singular values of the lower
 * bidiagonal matrix B_k of the Golub-Kahan process
 *
 *     beta_1 u_1 = A x,  alpha_k v_k = A^T u_k - beta_k v_(k-1),  beta_(k+1) u_(k+1) = A v_k - alpha_k u_k,
 *
 * x random. It grows with k towards the true one.
 *
 * @param x gives the images' shape
 */
export async function conditionNumber<Y extends Signal>(
  physics: LinearMapPair<Y>,
  x: Tensor,
  { maxIter = 500, tol = 1e-6, seed = 0 }: { maxIter?: number; tol?: number; seed?: number },
): Promise<number> {
  checkLimits("estimate a condition number", { maxIter, tol });
  const A: LinearFunction<Tensor, Y> = (v) => physics.A(v);
  const AT: LinearFunction<Y, Tensor> = (u) => physics.A_adjoint(u);
  using start = Tensor.randn(x.shape, { seed, device: x.device });
  using u = new Held<Y>(await applied(A, start));
  const first = await normOf(u.value);
  if (first === 0) return 1;
  u.value = scaled(u.value, 1 / first);
  using v = new Held<Tensor>(await applied(AT, u.value));
  let alpha = await normOf(v.value), estimate = 1, largest = 0;
  if (alpha === 0) return 1;
  v.value = scaled(v.value, 1 / alpha);
  const diagonal: number[] = [], below: number[] = [];
  for (let k = 0; k < maxIter; k++) {
    using Av = await applied(A, v.value);
    using along = scaled(u.value, alpha);
    u.value = subtract<Y>(Av, along);
    const beta = await normOf(u.value);
    diagonal.push(alpha);
    below.push(beta);
    largest = Math.max(largest, alpha, beta);
    const [smallest, biggest] = extremeSingularValues(diagonal, below);
    const next = biggest / smallest;
    const settled = k > 0 && Math.abs(next - estimate) < tol * next;
    estimate = next;
    if (settled || beta < EXHAUSTED * largest) break;
    u.value = scaled(u.value, 1 / beta);
    using ATu = await applied(AT, u.value);
    using before = scaled(v.value, beta);
    v.value = ATu.sub(before);
    alpha = await normOf(v.value);
    if (alpha < EXHAUSTED * largest) break;
    v.value = scaled(v.value, 1 / alpha);
  }
  return estimate;
}

/** The smallest and the largest singular value of a lower bidiagonal (k + 1) x k matrix, by bisection on Sturm counts of B^T B. */
function extremeSingularValues(diagonal: number[], below: number[]): [smallest: number, largest: number] {
  const main = diagonal.map((value, i) => value ** 2 + below[i] ** 2);
  const off = diagonal.slice(1).map((value, i) => (value * below[i]) ** 2);
  const bound = Math.max(...main) + 2 * Math.sqrt(Math.max(0, ...off));
  return [eigenvalue(main, off, 0, bound), eigenvalue(main, off, main.length - 1, bound)].map(Math.sqrt) as [
    number,
    number,
  ];
}

/** Eigenvalue `index`, ascending, of a tridiagonal matrix with squared off-diagonal entries `off`. */
function eigenvalue(main: number[], off: number[], index: number, bound: number): number {
  let low = 0, high = bound;
  for (let step = 0; step < 100 && high - low > 1e-14 * bound + 1e-9 * high; step++) {
    const middle = (low + high) / 2;
    let negative = 0, pivot = 1;
    for (let i = 0; i < main.length; i++) {
      pivot = main[i] - middle - (i > 0 ? off[i - 1] / pivot : 0);
      if (pivot === 0) pivot = -Number.MIN_VALUE;
      if (pivot < 0) negative++;
    }
    if (negative > index) high = middle;
    else low = middle;
  }
  return high;
}

async function normOf(signal: Signal): Promise<number> {
  let squares = 0;
  for (const entry of entriesOf(signal)) {
    using norm = entry.norm();
    const length = await norm.item();
    squares += length * length;
  }
  return Math.sqrt(squares);
}

function scaled<S extends Signal>(signal: S, factor: number): S {
  return signal.mul(factor) as S;
}
