import { countNonFinite, dotPerItem, mapEntries, owned, type Signal, subtract } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { NoiseModel } from "./noise.ts";

/** What every operator's constructor accepts. */
export interface PhysicsOptions {
  /** The noise that `forward` adds; none by default. */
  noiseModel?: NoiseModel;
}

/**
 * A measurement operator y = noise(A(x)), from images x (B, C, H, W) to measurements y.
 *
 * A subclass gives `A` and `A_vjp`; a linear one extends `LinearPhysics` and gives `A` and `A_adjoint`. What they return
 * belongs to the caller: a tensor of its own, never the argument.
 */
export abstract class Physics<Y extends Signal = Signal> {
  /** The noise that `forward` adds; `undefined` for none. */
  noiseModel: NoiseModel | undefined;

  /** Sets the noise model. */
  constructor(options: PhysicsOptions = {}) {
    this.noiseModel = options.noiseModel;
  }

  /** The noiseless measurements A(x). */
  abstract A(x: Tensor): Promise<Y>;

  /** J_A(x)^T v: the vector-Jacobian product of A at x. */
  abstract A_vjp(x: Tensor, v: Y): Promise<Tensor>;

  /**
   * An estimate of x from y: gradient descent on ||A(x) - y||^2 / 2 from `init`, with step 0.1, until
   * mean((A(x) - y)^2) < tol.
   *
   * @param options.init the start, left alone
   * @throws {InvalidArgumentError} without a start
   */
  async A_dagger(y: Y, { init, maxIter = 50, tol = 1e-4 }: LeastSquaresOptions = {}): Promise<Tensor> {
    if (!init) {
      throw new InvalidArgumentError("invert a non-linear operator", "options.init", "a start", "none");
    }
    let x = init.clone();
    try {
      for (let k = 0; k < maxIter; k++) {
        using estimate = await this.A(x);
        using residual = subtract(estimate, y);
        using squares = dotPerItem(residual, residual);
        using total = squares.sum();
        if (await total.item() / residual.numel < tol) break;
        using gradient = await this.A_vjp(x, residual);
        const next = x.addScaled(gradient, -0.1);
        x.dispose();
        x = next;
      }
      return x;
    } catch (error) {
      x.dispose();
      throw error;
    }
  }

  /**
   * A measurement of x: noise(A(x)).
   *
   * @throws {InvalidArgumentError} when x has values that are NaN or infinite
   */
  async forward(x: Tensor): Promise<Y> {
    await assertFinite("measure an image", "x", x);
    const clean = await this.A(x);
    const noise = this.noiseModel;
    if (!noise) return clean;
    using _ = clean;
    return await mapEntries(clean, async (entry) => owned(await noise.forward(entry), entry));
  }
}

/** Options of iterative least-squares solutions. */
export interface LeastSquaresOptions {
  /** Where to start; linear operators start at zero by default. */
  init?: Tensor;
  /** Most iterations; default 50. */
  maxIter?: number;
  /** Relative residual at which every batch item counts as solved; default 1e-4. */
  tol?: number;
}

/**
 * Refuses signals with NaN or infinite values.
 *
 * @throws {InvalidArgumentError} naming how many there are
 */
export async function assertFinite(action: string, argument: string, signal: Signal): Promise<void> {
  const bad = await countNonFinite(signal);
  if (bad > 0) {
    throw new InvalidArgumentError(action, argument, "finite", `${bad} values that are NaN or infinite`);
  }
}
