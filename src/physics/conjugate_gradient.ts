import { dotPerItem, perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Options of {@link conjugateGradient}. */
export interface ConjugateGradientOptions {
  /** The start; zero by default. Left alone. */
  init?: Tensor;
  /** Most iterations; default 100. */
  maxIter?: number;
  /** Stops when ||b - A x|| < tol ||b|| for every batch item; default 1e-5. */
  tol?: number;
  /** Added to denominators; default 1e-8. */
  eps?: number;
}

/** The residual is computed anew after this many iterations, so that rounding does not build up. */
const REFRESH = 100;

/**
 * Solves A x = b for a symmetric positive definite A by conjugate gradients (Hestenes and Stiefel, 1952), every batch
 * item with its own step sizes.
 *
 * @param A applies the matrix; its result is disposed here
 * @param b right-hand side, shape (B, ...)
 * @returns x, a new tensor of b's shape
 */
export async function conjugateGradient(
  A: (x: Tensor) => Promise<Tensor>,
  b: Tensor,
  { init, maxIter = 100, tol = 1e-5, eps = 1e-8 }: ConjugateGradientOptions = {},
): Promise<Tensor> {
  let x = init ? init.clone() : Tensor.zeros(b.shape, b);
  let r: Tensor | undefined, p: Tensor | undefined, rr: Tensor | undefined;
  try {
    r = init ? await residual(A, x, b) : b.clone();
    p = r.clone();
    rr = dotPerItem(r, r);
    using bb = dotPerItem(b, b);
    const limits = (await bb.data()).map((norm) => tol * tol * (norm > 0 ? norm : 1));
    for (let k = 1; k <= maxIter; k++) {
      if ((await rr.data()).every((value, item) => value < limits[item])) break;
      using Ap = await A(p);
      using pAp = dotPerItem(p, Ap);
      using safe = pAp.add(eps);
      using alpha = rr.div(safe);
      x = replace(x, scaledSum(x, p, alpha, 1));
      r = replace(r, k % REFRESH === 0 ? await residual(A, x, b) : scaledSum(r, Ap, alpha, -1));
      const rrNext = dotPerItem(r, r);
      using guarded = rr.add(eps);
      using beta = rrNext.div(guarded);
      rr = replace(rr, rrNext);
      p = replace(p, scaledSum(r, p, beta, 1));
    }
    return x;
  } catch (error) {
    x.dispose();
    throw error;
  } finally {
    r?.dispose();
    p?.dispose();
    rr?.dispose();
  }
}

async function residual(A: (x: Tensor) => Promise<Tensor>, x: Tensor, b: Tensor): Promise<Tensor> {
  using Ax = await A(x);
  return b.sub(Ax);
}

/** a + sign * factor b, with one factor (B,) per batch item. */
function scaledSum(a: Tensor, b: Tensor, factor: Tensor, sign: 1 | -1): Tensor {
  using shaped = perItem(factor, b);
  using scaled = shaped.mul(b);
  return a.addScaled(scaled, sign);
}

function replace(old: Tensor, next: Tensor): Tensor {
  old.dispose();
  return next;
}
