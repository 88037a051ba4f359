import { dotPerItem, mapEntries, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { conditionNumber } from "./condition_number.ts";
import { checkLimits } from "./iteration_limits.ts";
import { leastSquares } from "./least_squares.ts";
import { type LeastSquaresOptions, Physics } from "./physics.ts";
import type { ProximalPoint } from "./proximal_inputs.ts";
import { type SolverName, solverNamed } from "./solver_name.ts";

/** Options of {@link LinearPhysics.computeSqnorm}. */
export interface SqnormOptions {
  /** Most iterations; default 100. */
  maxIter?: number;
  /** Stops when the estimate changes by less than this; default 1e-3. */
  tol?: number;
  /** Of the random start; default 0. */
  seed?: number;
}

/** How linear systems are solved. */
interface LinearSystemOptions {
  readonly solver: SolverName;
  readonly maxIter: number;
  readonly tol: number;
}

/** deepinv's `A_dagger` solves the regularised system with this weight on the data term: a damping of 1e-8. */
const PSEUDO_INVERSE_GAMMA = 1e8;

/**
 * A linear measurement operator: `A` with its exact adjoint, and everything that follows from the two. What its methods
 * return belongs to the caller.
 *
 * @example An operator of one's own: differences of neighbouring columns
 * ```ts
 * import assert from "node:assert/strict";
 * import { LinearPhysics, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * class Differences extends LinearPhysics<Tensor> {
 *   override A(x: Tensor): Promise<Tensor> {
 *     using right = x.roll(-1, -1);
 *     return Promise.resolve(right.sub(x));
 *   }
 *   override A_adjoint(y: Tensor): Promise<Tensor> {
 *     using left = y.roll(1, -1);
 *     return Promise.resolve(left.sub(y));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Differences();
 * const x = Tensor.randn([1, 1, 8, 8], { seed: 1 });
 * assert.ok(Math.abs(await physics.adjointnessTest(x)) < 1e-4); // <A x, v> - <x, A^T v>
 * assert.ok(Math.abs(await physics.computeSqnorm(x, { tol: 1e-5 }) - 4) < 0.02); // |exp(i w) - 1|^2 at w = pi
 * const inverse = await physics.A_dagger(await physics.A(x)); // x without its rows' means: A does not see them
 * assert.ok(await inverse.sub(x.sub(x.mean(-1, { keepDims: true }))).abs().max().item() < 1e-3);
 * ```
 */
export abstract class LinearPhysics<Y extends Signal = Signal> extends Physics<Y> {
  #lsSolver: LinearSystemOptions = { solver: "CG", maxIter: 50, tol: 1e-4 };
  /** ||A||_2^2 by the shape of the images, and the version of the operator that has it. */
  #sqnorms: { readonly version: number; readonly byShape: Map<string, number> } | undefined;

  /** A^T y, the exact adjoint: <A x, y> = <x, A^T y>. */
  abstract A_adjoint(y: Y): Promise<Tensor>;

  /** A^T v, whatever x. */
  override A_vjp(_x: Tensor, v: Y): Promise<Tensor> {
    return this.A_adjoint(v);
  }

  /** A^T A x */
  async A_adjoint_A(x: Tensor): Promise<Tensor> {
    using y = await this.A(x);
    return await this.A_adjoint(y);
  }

  /** A A^T y */
  async A_A_adjoint(y: Y): Promise<Y> {
    using x = await this.A_adjoint(y);
    return await this.A(x);
  }

  /**
   * The proximal operator of gamma/2 ||A x - y||^2 at z: the solution of (A^T A + I / gamma) x = A^T y + z / gamma,
   * iteratively from z (by conjugate gradients unless another solver is chosen), each batch item on its own.
   *
   * @param z (B, C, H, W), a number for a constant image, or `null` for zeros
   * @param gamma > 0; a number or one value per item (B,)
   * @returns a new tensor of z's shape
   * @throws {InvalidArgumentError} when gamma is not positive, or z not of the images' shape
   */
  async prox_l2(
    z: ProximalPoint,
    y: Y,
    gamma: number | Tensor,
    options: LeastSquaresOptions = {},
  ): Promise<Tensor> {
    const { init } = options;
    const { solver, maxIter, tol } = { ...this.#lsSolver, ...definedOf(options) };
    return await leastSquares<Y>((x) => this.A(x), (v) => this.A_adjoint(v), y, {
      ATA: (x) => this.A_adjoint_A(x),
      z: z ?? 0,
      gamma,
      init,
      solver,
      maxIter,
      tol,
    });
  }

  /**
   * Chooses how `prox_l2` and `A_dagger` solve linear systems where a call does not say.
   *
   * @param solver `"CG"` (at first), `"lsqr"`, `"BiCGStab"` or `"minres"`
   * @param options.maxIter most iterations; 50 at first
   * @param options.tol relative accuracy; 1e-4 at first
   * @throws {InvalidArgumentError} for another name
   */
  setLsSolver(solver: SolverName, options: { maxIter?: number; tol?: number } = {}): void {
    this.#lsSolver = { ...this.#lsSolver, ...definedOf(options), solver: solverNamed(solver) };
  }

  /**
   * The pseudo-inverse applied to y, as deepinv defines it: `prox_l2` at zero with gamma = 1e8.
   *
   * @returns a new image (B, C, H, W)
   * @throws {InvalidArgumentError} for an unknown solver and limits out of range
   */
  override A_dagger(y: Y, options: LeastSquaresOptions = {}): Promise<Tensor> {
    return this.prox_l2(0, y, PSEUDO_INVERSE_GAMMA, options);
  }

  /**
   * ||A||_2^2 by the power method on A^T A from a seeded random start. It approaches the norm from below.
   *
   * @param x0 gives the shape of the images; its values do not matter
   * @throws {InvalidArgumentError} for limits out of range
   */
  async computeSqnorm(
    x0: Tensor,
    { maxIter = 100, tol = 1e-3, seed = 0 }: SqnormOptions = {},
  ): Promise<number> {
    checkLimits("compute a norm", { maxIter, tol });
    let x = Tensor.randn(x0.shape, { seed, device: x0.device });
    let estimate = 0;
    try {
      for (let k = 0; k < maxIter; k++) {
        using unit = await normalised(x);
        x.dispose();
        x = await this.A_adjoint_A(unit);
        using inner = unit.dot(x);
        const next = await inner.item();
        const settled = Math.abs(next - estimate) < tol;
        estimate = next;
        if (settled || next === 0) break;
      }
      return estimate;
    } finally {
      x.dispose();
    }
  }

  /**
   * ||A||_2^2 of the operator as it is now, by {@link computeSqnorm} once for every shape of images, and again when its
   * parameters have changed since.
   *
   * @param x0 gives the shape of the images; its values do not matter
   */
  async knownSqnorm(x0: Tensor): Promise<number> {
    const version = await this.agreedVersion();
    if (this.#sqnorms?.version !== version) this.#sqnorms = { version, byShape: new Map() };
    const { byShape } = this.#sqnorms;
    const key = x0.shape.join("x");
    let sqnorm = byShape.get(key);
    if (sqnorm === undefined) byShape.set(key, sqnorm = await this.wholeSqnorm(x0));
    return sqnorm;
  }

  /** The version that counts for {@link knownSqnorm}: the same on all processes that work on this operator together. */
  protected agreedVersion(): Promise<number> {
    return Promise.resolve(this.version);
  }

  /** ||A||_2^2 itself where {@link computeSqnorm} may give a bound of it. */
  protected wholeSqnorm(x0: Tensor): Promise<number> {
    return this.computeSqnorm(x0);
  }

  /**
   * ||A||_2: the square root of `computeSqnorm`, or with `squared` that itself.
   *
   * @param x0 gives the shape of the images; its values do not matter
   * @throws {InvalidArgumentError} for limits out of range
   */
  async computeNorm(x0: Tensor, options: SqnormOptions & { squared?: boolean } = {}): Promise<number> {
    const { squared = false, ...power } = options;
    const sqnorm = await this.computeSqnorm(x0, power);
    return squared ? sqnorm : Math.sqrt(sqnorm);
  }

  /** As for every operator, and the solver it was told to use. */
  protected override withSettings(copy: this): this {
    copy.#lsSolver = this.#lsSolver;
    return super.withSettings(copy);
  }

  /**
   * An estimate of the largest singular value over the smallest one that is not 0, from below: that of the bidiagonal matrix
   * which the Golub-Kahan process builds from A's measurements of a seeded random image.
   *
   * @param x gives the shape of the images; its values do not matter
   * @param options.maxIter most steps; default 500
   * @param options.tol stops when a step changes the estimate by less than this share; default 1e-6
   */
  conditionNumber(x: Tensor, options: SqnormOptions = {}): Promise<number> {
    return conditionNumber(this, x, options);
  }

  /**
   * <A x, v> - <x, A^T v> for a random v: 0 up to rounding, about 1e-7 ||A x|| ||v||, for an exact adjoint.
   *
   * @param x (B, C, H, W), usually random
   * @param options.seed of v; default 0
   */
  async adjointnessTest(x: Tensor, options: { seed?: number } = {}): Promise<number> {
    using Ax = await this.A(x);
    const seed = options.seed ?? 0;
    using v: Signal = await mapEntries<Signal>(
      Ax,
      (entry, i) => Promise.resolve(Tensor.randn(entry.shape, { seed: seed + i, device: entry.device })),
    );
    using Atv = await this.A_adjoint(v as Y);
    using left = dotPerItem(Ax, v);
    using right = dotPerItem(x, Atv);
    const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
    return sum(await left.data()) - sum(await right.data());
  }
}

async function normalised(x: Tensor): Promise<Tensor> {
  using norm = x.norm();
  const length = await norm.item();
  return x.mul(length > 0 ? 1 / length : 0);
}

/** The options that are not undefined. */
function definedOf<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
