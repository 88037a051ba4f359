import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { BaseOptim } from "./base_optim.ts";
import { Bregman, BregmanL2 } from "./bregman.ts";
import type { Prior } from "./prior.ts";
import type { OptimOptions, OptimState, StepParameters } from "./run_types.ts";
import { relax } from "./splitting.ts";

/** Options of {@link MD} and {@link PMD}. */
export interface MirrorDescentOptions extends OptimOptions {
  /** Default {@link BregmanL2}. */
  bregmanPotential?: Bregman;
}

/**
 * Algorithms that descend in the mirror of a Bregman potential.
 *
 * @example An algorithm of one's own: mirror descent whose steps shrink as 1 / sqrt(k)
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L1, MirrorAlgorithm, NegEntropy } from "@deepinv/distributed";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 * import type { OptimState, StepParameters } from "@deepinv/distributed";
 *
 * class MirrorSubgradient extends MirrorAlgorithm {
 *   protected override async step({ x }: OptimState, { y, physics, dataFidelity, ...at }: StepParameters) {
 *     using gradient = await dataFidelity.grad(x, y, physics);
 *     return { x: await this.potential.mirrorStep(x, gradient, at.stepsize / Math.sqrt(at.iteration + 1)) };
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.full([1, 1, 4, 4], 0.3);
 * const bregmanPotential = new NegEntropy(); // keeps images positive
 * const algorithm = new MirrorSubgradient({ dataFidelity: new L1(), bregmanPotential, stepsize: 0.5, maxIter: 50 });
 * const { x } = await algorithm.run(y, new Denoising(), { init: Tensor.ones([1, 1, 4, 4]) });
 * assert(Math.abs(await x.mean().item() - 0.3) < 0.05);
 * ```
 */
export abstract class MirrorAlgorithm extends BaseOptim {
  /** phi */
  protected readonly potential: Bregman;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: MirrorDescentOptions) {
    super(options);
    this.potential = options.bregmanPotential ?? new BregmanL2();
    if (!(this.potential instanceof Bregman)) {
      const got = String(this.potential);
      throw new InvalidArgumentError(
        `build ${new.target.name}`,
        "bregmanPotential",
        "a Bregman potential",
        got,
      );
    }
  }

  /**
   * The image alone.
   *
   * @throws {InvalidArgumentError} when the potential wants positive images and the first is none
   */
  protected override async begin(x: Tensor, _y: Signal, _physics: Physics): Promise<OptimState> {
    if (this.potential.positive) {
      using least = x.min();
      const value = await least.item();
      if (!(value > 0)) {
        const requirement = `positive, for ${this.potential.constructor.name}`;
        throw new InvalidArgumentError(
          `run ${this.constructor.name}`,
          "options.init",
          requirement,
          String(value),
        );
      }
    }
    return { x };
  }
}

/** Mirror descent (Nemirovski and Yudin, 1983): x <- grad phi*(grad phi(x) - tau (grad f(x) + lambda grad g(x))). *
 * @example A positive image by multiplicative steps
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L2, MD, NegEntropy, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.from([0.5, -1], [1, 1, 1, 2]);
 * const options = { dataFidelity: new L2(), stepsize: 0.5, maxIter: 60 };
 * const algorithm = new MD({ ...options, bregmanPotential: new NegEntropy() }); // x <- x e^(-tau (x - y))
 * const { x } = await algorithm.run(y, new Denoising(), { init: Tensor.ones([1, 1, 1, 2]) });
 * const [first, second] = await x.data();
 * assert(Math.abs(first - 0.5) < 1e-3 && second > 0 && second < 1e-3); // the nearest positive image
 * ```
 */
export class MD extends MirrorAlgorithm {
  /** One iteration. */
  protected override async step({ x }: OptimState, parameters: StepParameters): Promise<OptimState> {
    const { y, physics, dataFidelity, prior, stepsize, lambda, sigma } = parameters;
    using data = owned(await dataFidelity.grad(x, y, physics), x);
    using regularity = owned(await prior.grad(x, sigma), x);
    using gradient = data.addScaled(regularity, lambda);
    return { x: await this.potential.mirrorStep(x, gradient, stepsize) };
  }
}

/**
 * Proximal mirror descent, or the Bregman proximal gradient method (Bauschke, Bolte and Teboulle, 2017):
 * z = grad phi*(grad phi(x) - tau grad f(x)), x <- argmin_u lambda tau g(u) + D_phi(u, z), relaxed by beta; with `gFirst`
 * the gradient is the prior's, lambda grad g, and the proximal operator the fidelity's.
 *
 * Where phi is not the squared norm, the second step is mirror descent on its own objective, which needs a gradient.
 *
 * @example Photon counts with a penalty that has a proximal operator
 * ```ts
 * import assert from "node:assert/strict";
 * import { BurgEntropy, L1Prior, openDevice, PMD, PoissonLikelihood } from "@deepinv/distributed";
 * import { setDefaultDevice, sheppLogan, Tensor, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Tomography({ angles: 12, imgWidth: 16 });
 * const y = await physics.A(sheppLogan(16));
 * const algorithm = new PMD({
 *   dataFidelity: new PoissonLikelihood(),
 *   prior: new L1Prior(),
 *   bregmanPotential: new BurgEntropy(), // keeps the image positive
 *   lambda: 0.1,
 *   stepsize: 1 / await y.sum().item(),
 *   maxIter: 10,
 * });
 * const { x, metrics: { cost: [cost] } } = await algorithm.run(y, physics, { init: Tensor.ones([1, 1, 16, 16]) });
 * assert(cost.every((value, k) => k === 0 || value < cost[k - 1]));
 * assert(await x.min().item() > 0);
 * ```
 */
export class PMD extends MirrorAlgorithm {
  /** One iteration: z, then x. */
  protected override async step({ x }: OptimState, parameters: StepParameters): Promise<OptimState> {
    const { y, physics, dataFidelity, prior, stepsize, lambda, sigma, beta } = parameters;
    const { gFirst } = this;
    using gradient = owned(await (gFirst ? prior.grad(x, sigma) : dataFidelity.grad(x, y, physics)), x);
    using z = await this.potential.mirrorStep(x, gradient, gFirst ? lambda * stepsize : stepsize);
    if (this.potential instanceof BregmanL2) {
      const near = gFirst
        ? await dataFidelity.prox(z, y, physics, stepsize)
        : await prior.prox(z, sigma, lambda * stepsize);
      return { x: relax(owned(near, z), x, beta) };
    }
    const grad: Prior["grad"] = gFirst
      ? (u) => dataFidelity.grad(u, y, physics)
      : (u) => prior.grad(u, sigma);
    const near = await bregmanProx(this.potential, z, gFirst ? stepsize : lambda * stepsize, grad);
    return { x: relax(near, x, beta) };
  }
}

/** Most steps, their share of a full one, and the relative change that ends them. */
const MAX_ITER = 50, SHARE = 0.5, TOLERANCE = 1e-6;

/** argmin_u gamma g(u) + D_phi(u, z) by mirror descent with the same potential; a new tensor. */
async function bregmanProx(
  potential: Bregman,
  z: Tensor,
  gamma: number,
  grad: (u: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  using centre = await potential.grad(z);
  let u = z.clone();
  try {
    for (let k = 0; k < MAX_ITER; k++) {
      using previous = u;
      using slope = owned(await grad(previous), previous);
      using here = await potential.grad(previous);
      using away = here.sub(centre);
      using gradient = away.addScaled(slope, gamma);
      u = await potential.mirrorStep(previous, gradient, SHARE);
      using change = u.sub(previous);
      using moved = change.norm();
      using length = u.norm();
      if (await moved.item() <= TOLERANCE * await length.item()) break;
    }
    return u;
  } catch (error) {
    u.dispose();
    throw error;
  }
}
