import type { Denoiser } from "../models/denoiser.ts";
import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { BaseOptim } from "./base_optim.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import { type DiffusionLevel, diffusionLevels } from "./diffusion_levels.ts";
import { iterationNoise, requireSeed } from "./iteration_noise.ts";
import { L2 } from "./l2.ts";
import { PnP } from "./pnp.ts";
import type { StepParameters } from "./run_types.ts";

/** Options of {@link DiffPIR}. */
export interface DiffPIROptions {
  /** The denoiser, local or distributed. */
  denoiser: Pick<Denoiser, "forward">;
  /** Local or distributed; default {@link L2}. */
  dataFidelity?: DataFidelity;
  /** Standard deviation of the measurements' noise, > 0, in the image's units; default 0.05. */
  sigma?: number;
  /** Number of iterations, >= 2; default 100. */
  maxIter?: number;
  /** Share of fresh noise in [0, 1]; default 0.1. */
  zeta?: number;
  /** Weight of the denoised image against the data, > 0; default 7. */
  lambda?: number;
  /** Of the noise, a whole number; default 0. */
  seed?: number;
}

/** The image that is found so far, in [0, 1], and the noisy one of the diffusion, in [-1, 1]. */
export type DiffPIRState = { readonly x: Tensor; readonly noisy: Tensor };

/**
 * Diffusion models for plug-and-play image restoration (Zhu et al., 2023), an iteration of half-quadratic splitting along a
 * diffusion whose noise falls: with the noisy image z at level t and a_t the product of 1 - beta_s up to t,
 *
 *     x = D(z / sqrt(a_t)) at noise level sqrt((1 - a_t) / a_t), then x = prox_{f / (2 rho)}(x), rho = lambda sigma^2 a_t / (1 - a_t)
 *     e = (z - sqrt(a_t) x) / sqrt(1 - a_t)
 *     z <- sqrt(a_s) x + sqrt(1 - a_s) (sqrt(1 - zeta) e + sqrt(zeta) n) at the next level s, n ~ N(0, I).
 *
 * The noise depends on the seed and the iteration alone: the same on every rank, and after a resume. The last iteration
 * only denoises, and that is the result (deepinv computes it and gives the noisy image before it).
 *
 * @example Deblurring with a diffusion
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, deadLeaves, DiffPIR, DRUNet } from "@deepinv/distributed";
 * import { gaussianBlur, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const image = deadLeaves({ size: 32, seed: 1 });
 * const y = await blur.A(image);
 * using denoiser = await DRUNet.create({ weights: "small-color" });
 * const algorithm = new DiffPIR({ denoiser, sigma: 0.02, maxIter: 6, zeta: 0.1, seed: 1 });
 * const { x, metrics: { psnr: [psnr] } } = await algorithm.run(y, blur, { xGt: image });
 * assert.deepEqual(x.shape, image.shape);
 * assert(psnr.at(-1)! > psnr[0]);
 * ```
 */
export class DiffPIR extends BaseOptim<DiffPIRState> {
  readonly #levels: readonly DiffusionLevel[];
  readonly #zeta: number;
  readonly #seed: number;
  /** lambda sigma^2 */
  readonly #weight: number;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for values out of range, and without a denoiser
   */
  constructor(options: DiffPIROptions) {
    const { denoiser, dataFidelity = new L2(), sigma = 0.05, maxIter = 100 } = options;
    const { zeta = 0.1, lambda = 7, seed = 0 } = options;
    super({ dataFidelity, prior: new PnP({ denoiser }), maxIter });
    const action = "build DiffPIR";
    for (const [name, value] of [["sigma", sigma], ["lambda", lambda]] as const) {
      if (!(value > 0 && value < Infinity)) {
        throw new InvalidArgumentError(action, name, "finite and > 0", String(value));
      }
    }
    if (!(zeta >= 0 && zeta <= 1)) throw new InvalidArgumentError(action, "zeta", "in [0, 1]", String(zeta));
    if (maxIter < 2) {
      throw new InvalidArgumentError(action, "maxIter", "a whole number >= 2", String(maxIter));
    }
    requireSeed(action, seed);
    this.#levels = diffusionLevels(maxIter);
    this.#zeta = zeta;
    this.#seed = seed;
    this.#weight = lambda * sigma ** 2;
  }

  /** The first image with the noise of the first level. */
  protected override begin(x: Tensor, _y: Signal, _physics: Physics): Promise<DiffPIRState> {
    const { signal, noise } = this.#levels[0];
    using scaled = x.mul(2);
    using centred = scaled.add(-1);
    using draw = iterationNoise(x, this.#seed, 0);
    using disturbed = centred.addScaled(draw, noise / signal);
    return Promise.resolve({ x, noisy: disturbed.mul(signal) });
  }

  /** One level. */
  protected override async step({ noisy }: DiffPIRState, parameters: StepParameters): Promise<DiffPIRState> {
    const { y, physics, dataFidelity, prior, iteration: k } = parameters;
    const { signal, noise } = this.#levels[k];
    using halved = noisy.mul(0.5 / signal);
    using visible = halved.add(0.5);
    using denoised = owned(await prior.prox(visible, noise / signal / 2, 1), visible);
    using clamped = denoised.clamp(0, 1);
    const following = this.#levels[k + 1];
    if (!following) return { x: clamped.clone(), noisy: noisy.reshape(noisy.shape) };
    const rho = this.#weight * (signal / noise) ** 2;
    const x = owned(await dataFidelity.prox(clamped, y, physics, 1 / (2 * rho)), clamped);
    using scaled = x.mul(2);
    using centred = scaled.add(-1);
    using gap = noisy.addScaled(centred, -signal);
    using draw = iterationNoise(noisy, this.#seed, k + 1);
    using kept = gap.mul(Math.sqrt(1 - this.#zeta) / noise);
    using disturbance = kept.addScaled(draw, Math.sqrt(this.#zeta));
    using clean = centred.mul(following.signal);
    return { x, noisy: clean.addScaled(disturbance, following.noise) };
  }
}
