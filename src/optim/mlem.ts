import { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import { entriesOf, mapEntries, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { BaseOptim } from "./base_optim.ts";
import { PoissonLikelihood } from "./poisson_likelihood.ts";
import type { OptimOptions, StepParameters } from "./run_types.ts";

/** The smallest value that is divided by. */
const FLOOR = 1e-6;

/** The state of {@link MLEM}: the image, and what the operator sees of each of its pixels, A^T 1. */
export type MLEMState = { readonly x: Tensor; readonly sensitivity: Tensor };

/**
 * Maximum-likelihood expectation maximisation for Poisson measurements of non-negative images (Shepp and Vardi, 1982),
 * with a prior by the one-step-late rule (Green, 1990):
 *
 *     n = x A^T(y / max(A x, 1e-6)),  x <- n / max(A^T 1 + lambda grad g(n), 1e-6).
 *
 * It starts at 1 everywhere; stepsize and beta play no part. The fidelity, by default {@link PoissonLikelihood}, is for
 * the cost only.
 */
export class MLEM extends BaseOptim<MLEMState> {
  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: Partial<OptimOptions> = {}) {
    super({ ...options, dataFidelity: options.dataFidelity ?? new PoissonLikelihood() });
  }

  /** 1 everywhere. */
  protected override async initialImage(y: Signal, physics: LinearPhysics): Promise<Tensor> {
    using backprojection = await super.initialImage(y, physics);
    return Tensor.ones(backprojection.shape, backprojection);
  }

  /** With the sensitivity. */
  protected override async begin(x: Tensor, y: Signal, physics: Physics): Promise<MLEMState> {
    using ones = await onesLike(y);
    return { x, sensitivity: await requireLinear("MLEM", physics).A_adjoint(ones) };
  }

  /** One iteration. */
  protected override async step(
    { x, sensitivity }: MLEMState,
    parameters: StepParameters,
  ): Promise<MLEMState> {
    const { y, lambda, sigma } = parameters;
    const physics = requireLinear("MLEM", parameters.physics);
    using predicted: Signal = await physics.A(x);
    const data = entriesOf(y);
    using ratio = await mapEntries<Signal>(predicted, (entry, i) => {
      using floored = entry.maximum(FLOOR);
      return Promise.resolve(data[i].div(floored));
    });
    using factor = await physics.A_adjoint(ratio);
    using numerator = x.mul(factor);
    using gradient = await this.prior.grad(numerator, sigma);
    using slope = sensitivity.addScaled(gradient, lambda);
    using divisor = slope.maximum(FLOOR);
    return { x: numerator.div(divisor), sensitivity: sensitivity.reshape(sensitivity.shape) };
  }
}

/** A signal of ones of the same kind and shape. */
export async function onesLike(signal: Signal): Promise<Signal> {
  return await mapEntries<Signal>(signal, (entry) => Promise.resolve(Tensor.ones(entry.shape, entry)));
}

/** @throws {InvalidArgumentError} when the physics is not linear */
export function requireLinear(algorithm: string, physics: Physics): LinearPhysics {
  if (physics instanceof LinearPhysics) return physics;
  throw new InvalidArgumentError(`run ${algorithm}`, "physics", "linear", physics.constructor.name);
}
