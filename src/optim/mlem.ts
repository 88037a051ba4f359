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

/**
 * Expectation maximisation for Poisson measurements: it starts at 1 everywhere.
 *
 * @example An algorithm of one's own: expectation maximisation with shorter steps
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, PoissonAlgorithm, setDefaultDevice, sheppLogan } from "@deepinv/distributed";
 * import { type StepParameters, Tensor, Tomography } from "@deepinv/distributed";
 *
 * type State = { readonly x: Tensor };
 * class DampedEM extends PoissonAlgorithm<State> {
 *   protected override begin = (x: Tensor) => Promise.resolve({ x }); // 1 everywhere
 *   protected override async step({ x }: State, { y, physics, dataFidelity, stepsize }: StepParameters) {
 *     using sensitivity = await physics.A_vjp(x, Tensor.ones((y as Tensor).shape));
 *     using gradient = await dataFidelity.grad(x, y, physics); // of the Poisson likelihood: A^T(1 - y / A x)
 *     using share = gradient.div(sensitivity).mul(-stepsize).add(1);
 *     return { x: x.mul(share) }; // (1 - tau) x + tau EM(x)
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Tomography({ angles: 12, imgWidth: 16 });
 * const y = await physics.A(sheppLogan(16));
 * const { metrics: { cost: [cost] } } = await new DampedEM({ stepsize: 0.5, maxIter: 15 }).run(y, physics);
 * assert(cost.every((value, k) => k === 0 || value < cost[k - 1]));
 * ```
 */
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
 *
 * @example Emission tomography
 * ```ts
 * import assert from "node:assert/strict";
 * import { MLEM, openDevice, PoissonNoise, setDefaultDevice, sheppLogan, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noiseModel = new PoissonNoise({ gain: 0.02, seed: 1 });
 * const physics = new Tomography({ angles: 20, imgWidth: 16, noiseModel });
 * const image = sheppLogan(16);
 * const y = await physics.forward(image);
 * const { x, metrics } = await new MLEM({ maxIter: 15 }).run(y, physics, { xGt: image });
 * const [cost] = metrics.cost, [psnr] = metrics.psnr;
 * assert(cost.every((value, k) => k === 0 || value <= cost[k - 1])); // the likelihood grows in every iteration
 * assert(psnr[15] > psnr[0] + 5);
 * assert(await x.min().item() >= 0);
 * ```
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
