import type { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import { corrected, normalised, onesLike, requireLinear } from "./expectation_maximisation.ts";
import { PoissonLikelihood } from "./poisson_likelihood.ts";
import type { OptimOptions, OptimState, StepParameters } from "./run_types.ts";

/** The state of {@link MLEM}: the image, and what the operator sees of each of its pixels, A^T 1. */
export type MLEMState = { readonly x: Tensor; readonly sensitivity: Tensor };

/** Expectation maximisation for Poisson measurements: it starts at 1 everywhere. */
export abstract class PoissonAlgorithm<State extends OptimState> extends BaseOptim<State> {
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
}

/**
 * Maximum-likelihood expectation maximisation for Poisson measurements of non-negative images (Shepp and Vardi, 1982),
 * with a prior by the one-step-late rule (Green, 1990):
 *
 *     n = x A^T(y / max(A x, 1e-6)),  x <- n / max(A^T 1 + lambda grad g(n), 1e-6).
 *
 * It starts at 1 everywhere; stepsize and beta play no part. The fidelity, by default {@link PoissonLikelihood}, is for
 * the cost only.
 */
export class MLEM extends PoissonAlgorithm<MLEMState> {
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
    const { y, prior, lambda, sigma } = parameters;
    using numerator = await corrected(x, y, requireLinear("MLEM", parameters.physics));
    using gradient = owned(await prior.grad(numerator, sigma), numerator);
    return {
      x: normalised(numerator, sensitivity, gradient, lambda),
      sensitivity: sensitivity.reshape(sensitivity.shape),
    };
  }
}
