import { perItem, requireSameShape, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { bicgstab } from "./bicgstab.ts";
import { conjugateGradient } from "./conjugate_gradient.ts";
import { applied, type LinearFunction } from "./item_arithmetic.ts";
import { lsqr } from "./lsqr.ts";
import { minres } from "./minres.ts";
import { requireWeight } from "./proximal_inputs.ts";
import { type SolverName, solverNamed } from "./solver_name.ts";

/** Options of {@link leastSquares}. */
export interface LeastSquaresProblem<Y extends Signal = Signal> {
  /** What the damping pulls towards: a tensor of the solution's shape, or a number for a constant one; default 0. */
  z?: Tensor | number;
  /** The data term's weight against the damping, > 0; a number or one value per item (B,). No damping by default. */
  gamma?: number | Tensor;
  /** Where to start; default z with damping, else 0. `"lsqr"` with damping starts at z whatever this says. */
  init?: Tensor;
  /** A A^T, where there is a faster way than one after the other. */
  AAT?: LinearFunction<Y>;
  /** A^T A, where there is a faster way than one after the other. */
  ATA?: LinearFunction<Tensor>;
  /** Default `"CG"`. */
  solver?: SolverName;
  /** Most iterations; default 100. */
  maxIter?: number;
  /** Relative accuracy, as the solver means it; default 1e-6. */
  tol?: number;
}

const ACTION = "solve a least-squares problem";

/**
 * Solves min_x ||A x - y||^2 + ||x - z||^2 / gamma, every batch item on its own.
 *
 * With gamma, `CG`, `BiCGStab` and `minres` solve (A^T A + I / gamma) x = A^T y + z / gamma, whatever the shapes; `lsqr`
 * works on A itself. Without, `lsqr` solves min ||A x - y||; the others solve A^T A x = A^T y where y has more values than x,
 * else A A^T u = y with x = A^T u, the solution of least norm; except that `BiCGStab` solves a square A x = y directly.
 *
 * @param A applies the matrix
 * @param AT applies its transpose
 * @param y (B, ...), or a list of such
 * @returns x, a new tensor
 * @throws {InvalidArgumentError} when gamma is not positive, z not of the solution's shape, or the solver unknown
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { leastSquares, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const weights = Tensor.from([[1, 2, 4]]);
 * const A = (x: Tensor): Tensor => x.mul(weights); // its own transpose
 * const y = Tensor.from([[1, 1, 1]]);
 * // min gamma / 2 ||A x - y||^2 + ||x - z||^2 / 2: x = (w + 2) / (w^2 + 2)
 * const x = await leastSquares(A, A, y, { gamma: 0.5, z: 1, solver: "lsqr", tol: 1e-6 });
 * assert.ok(await x.sub(Tensor.from([[1, 2 / 3, 1 / 3]])).abs().max().item() < 1e-4);
 * const plain = await leastSquares(A, A, y, { tol: 1e-6 }); // without gamma, by conjugate gradients: 1 / w
 * assert.ok(await plain.sub(Tensor.from([[1, 0.5, 0.25]])).abs().max().item() < 1e-4);
 * ```
 */
export async function leastSquares<Y extends Signal>(
  A: LinearFunction<Tensor, Y>,
  AT: LinearFunction<Y, Tensor>,
  y: Y,
  options: LeastSquaresProblem<Y> = {},
): Promise<Tensor> {
  const solver = solverNamed(options.solver ?? "CG");
  using right = await applied(AT, y);
  if (options.gamma === undefined) return await undamped(A, AT, y, right, solver, options);
  const { z = 0, gamma, maxIter = 100, tol = 1e-6 } = options;
  using target = typeof z === "number" ? Tensor.full(right.shape, z, right) : z.clone();
  requireSameShape(ACTION, "z", target, right);
  using damping = await dampingOf(gamma, right);
  if (solver === "lsqr") return await lsqr(A, AT, y, { eta: damping, x0: target, maxIter, tol });
  const ATA = options.ATA ?? both(A, AT);
  const normal = async (x: Tensor): Promise<Tensor> => {
    using data = await applied(ATA, x);
    using pull = x.mul(damping);
    return data.add(pull);
  };
  using pull = target.mul(damping);
  using sum = right.add(pull);
  return await solveSquare(solver, normal, sum, { init: options.init ?? target, maxIter, tol });
}

async function undamped<Y extends Signal>(
  A: LinearFunction<Tensor, Y>,
  AT: LinearFunction<Y, Tensor>,
  y: Y,
  right: Tensor,
  solver: SolverName,
  { init, maxIter = 100, tol = 1e-6, AAT = both(AT, A), ATA = both(A, AT) }: LeastSquaresProblem<Y>,
): Promise<Tensor> {
  if (solver === "lsqr") return await lsqr(A, AT, y, { x0: init, maxIter, tol });
  if (solver === "BiCGStab" && y instanceof Tensor && String(y.shape) === String(right.shape)) {
    const square = A as unknown as LinearFunction<Tensor>;
    return await solveSquare<Tensor>(solver, square, y, { init, maxIter, tol });
  }
  if (y.numel > right.numel) return await solveSquare(solver, ATA, right, { init, maxIter, tol });
  using u = await solveSquare<Y>(solver, AAT, y, { maxIter, tol });
  return await applied(AT, u);
}

function solveSquare<S extends Signal>(
  solver: Exclude<SolverName, "lsqr">,
  A: LinearFunction<S>,
  b: S,
  options: { init?: S; maxIter: number; tol: number },
): Promise<S> {
  switch (solver) {
    case "CG":
      return conjugateGradient<S>(A, b, options);
    case "BiCGStab":
      return bicgstab<S>(A, b, options);
    case "minres":
      return minres<S>(A, b, options);
  }
}

/** second(first(x)) */
function both<X extends Signal, Y extends Signal>(
  first: LinearFunction<X, Y>,
  second: LinearFunction<Y, X>,
): LinearFunction<X> {
  return async (x) => {
    using between = await applied(first, x);
    return await applied(second, between);
  };
}

/** 1 / gamma, shaped to broadcast against the solution. */
async function dampingOf(gamma: number | Tensor, like: Tensor): Promise<Tensor> {
  requireWeight(ACTION, gamma);
  const values = typeof gamma === "number" ? [gamma] : await gamma.data();
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > 0)) throw new InvalidArgumentError(ACTION, "gamma", "> 0", String(values[i]));
  }
  using inverse = Tensor.from(Float32Array.from(values, (value) => 1 / value), [values.length], like);
  return perItem(inverse, like, ACTION, "gamma");
}
