import { EPLL_SCHEDULE, noiseLevels, patchEstimate, requireBetas } from "../models/patches/epll_estimate.ts";
import { type PatchMixture, patchMixture, type PatchMixtureOptions } from "../models/patches/epll_weights.ts";
import type { LinearPhysics } from "../physics/linear_physics.ts";
import type { Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** Options of {@link EPLL.forward}. */
export interface EPLLRunOptions {
  /** Standard deviation of the noise in y, > 0: a number or one value per item (B,); by default that of `physics.noiseModel`. */
  sigma?: number | Tensor;
  /** The first image; default A^T y. */
  init?: Tensor;
  /** The levels 1 / variance that patches are estimated at; by default 1, 4, 8, 16, 32 / sigma^2. */
  betas?: readonly number[];
  /** Patches that are looked at together, -1 for all; no effect on the result. */
  batchSize?: number;
}

/** How the image of each step is solved for, as in deepinv. */
const SOLVER = { maxIter: 100, tol: 1e-5 };

/**
 * Reconstructs by the expected log-likelihood of patches under a mixture of Gaussians (Zoran and Weiss, 2011): steps of
 * half-quadratic splitting, each the estimate x~ of all overlapping patches of x at noise 1 / beta and then
 * x = argmin ||A x - y||^2 / sigma^2 + beta ||x - x~||^2. Local and distributed physics alike.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, EPLL, gaussianBlur, GaussianMixtureModel } from "@deepinv/distributed";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const y = await physics.A(Tensor.ones([1, 1, 16, 16]));
 * const gmm = new GaussianMixtureModel({ nComponents: 2, dimension: 9 });
 * const epll = await EPLL.create({ gmm, patchSize: 3 });
 * const x = await epll.forward(y, physics, { sigma: 0.01 });
 * assert.deepEqual(x.shape, [1, 1, 16, 16]);
 * assert.ok((await x.data()).every(Number.isFinite));
 * ```
 */
export class EPLL {
  readonly #mixture: PatchMixture;

  private constructor(mixture: PatchMixture) {
    this.#mixture = mixture;
  }

  /**
   * Loads or takes a mixture.
   *
   * @throws {InvalidArgumentError} for options out of range, and a mixture of another dimension
   * @throws {FileError} when its file cannot be read
   */
  static async create(options: PatchMixtureOptions = {}): Promise<EPLL> {
    return new EPLL(await patchMixture("EPLL", options));
  }

  /**
   * The reconstruction (B, C, H, W).
   *
   * @param y measurements
   * @param physics a linear operator on images of the mixture's channels
   * @throws {InvalidArgumentError} when sigma is neither given nor known, for values out of range, and images of other
   * channels or smaller than a patch
   */
  async forward<Y extends Signal>(
    y: Y,
    physics: LinearPhysics<Y>,
    { sigma, init, betas, batchSize }: EPLLRunOptions = {},
  ): Promise<Tensor> {
    const { gmm, patchSize, channels } = this.#mixture;
    requireBetas("run EPLL", betas);
    let x = init ? init.clone() : await firstImage(y, physics);
    try {
      if (x.shape.length !== 4 || x.shape[1] !== channels) {
        const requirement = `of shape (B, ${channels}, H, W)`;
        throw new InvalidArgumentError("run EPLL", "the image", requirement, formatShape(x.shape));
      }
      const variances = (await noiseLevels("run EPLL", x, sigma ?? levelOf(physics))).map((s) => s ** 2);
      if (variances.some((variance) => variance === 0)) {
        throw new InvalidArgumentError("run EPLL", "sigma", "> 0", "0");
      }
      for (const step of betas ?? EPLL_SCHEDULE) {
        using previous = x;
        const levels = variances.map((variance) => betas ? step : step / variance);
        using patches = await patchEstimate(gmm, previous, patchSize, levels, batchSize);
        using gamma = Tensor.from(levels.map((level, b) => 1 / (level * variances[b])), [levels.length], x);
        x = await physics.prox_l2(patches, y, gamma, SOLVER);
      }
      return x;
    } catch (error) {
      x.dispose();
      throw error;
    }
  }
}

/** A^T y, as a tensor of its own. */
async function firstImage<Y extends Signal>(y: Y, physics: LinearPhysics<Y>): Promise<Tensor> {
  const x = await physics.A_adjoint(y);
  return (x as Signal) === y ? x.clone() : x;
}

function levelOf(physics: { readonly noiseModel?: unknown }): number | Tensor {
  const { sigma } = (physics.noiseModel ?? {}) as { sigma?: number | Tensor };
  if (typeof sigma === "number" || sigma instanceof Tensor) return sigma;
  const what = "given, or known to physics.noiseModel";
  throw new InvalidArgumentError("run EPLL", "sigma", what, "neither");
}
