import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { BaseOptim } from "./base_optim.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import { iterationNoise, requireSeed } from "./iteration_noise.ts";
import type { Prior } from "./prior.ts";
import type { RunOptions, RunResult, StepParameters } from "./run_types.ts";

/** Options of {@link ULA}. */
export interface ULAOptions {
  /** The negative log-likelihood of the measurements, local or distributed. */
  dataFidelity: DataFidelity;
  /** What gives the gradient of the negative log-prior: `ScorePrior`, or an explicit prior. */
  prior: Prior;
  /** eta > 0; default 1. The chain needs eta < 1 / (L + ||A||^2). */
  stepSize?: number;
  /** Noise level of the prior's denoiser, >= 0; default 0.05. */
  sigma?: number;
  /** Weight of the prior, >= 0; default 1. */
  alpha?: number;
  /** Length of the chain; default 1000. */
  maxIter?: number;
  /** Every which sample counts, >= 1; default 5. */
  thinning?: number;
  /** Share of the chain that does not count, in [0, 1); default 0.2. */
  burninRatio?: number;
  /** Samples are kept in this interval; default [-1, 2], null for none. */
  clip?: readonly [min: number, max: number] | null;
  /** Of the chain, a whole number; default 0. Ranks that run one chain together need the same, independent chains others. */
  seed?: number;
}

/** What {@link ULA} finds. */
export interface ULAResult extends RunResult {
  /** The mean of the samples that count. It belongs to the caller. */
  mean: Tensor;
  /** Their variance, of every pixel. It belongs to the caller. */
  variance: Tensor;
}

/** The chain's last sample, the mean of those that count, and the sum of their squared deviations. */
export type ULAState = { readonly x: Tensor; readonly mean: Tensor; readonly deviations: Tensor };

/**
 * The projected unadjusted Langevin algorithm with a plug-and-play prior (Laumont et al., 2022):
 *
 *     x <- clip(x - eta (grad f(x) + alpha grad g(x)) + sqrt(2 eta) n),  n ~ N(0, I),
 *
 * whose samples approach the posterior distribution; mean and variance are Welford's. The noise depends on the seed and
 * the iteration alone: the same on every rank, and after a resume.
 *
 * @example A posterior that is known: values N(0, 1) seen with noise N(0, 1)
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, FunctionDenoiser, L2, openDevice } from "@deepinv/distributed";
 * import { ScorePrior, setDefaultDevice, Tensor, ULA } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const denoiser = new FunctionDenoiser((x, sigma) => x.mul(1 / (1 + Number(sigma) ** 2))); // E[x | x + sigma n]
 * const options = { stepSize: 0.2, sigma: 0.1, maxIter: 200, thinning: 2, burninRatio: 0.1, clip: null, seed: 1 };
 * const chain = new ULA({ dataFidelity: new L2({ sigma: 1 }), prior: new ScorePrior({ denoiser }), ...options });
 * const y = Tensor.full([1, 1, 16, 16], 1);
 * const { mean, variance } = await chain.run(y, new Denoising());
 * assert(Math.abs(await mean.mean().item() - 1 / 2) < 0.05); // of the posterior N(y / 2, 1 / 2)
 * assert(Math.abs(await variance.mean().item() - 1 / 2) < 0.15); // with the bias of steps this long
 * ```
 */
export class ULA extends BaseOptim<ULAState> {
  readonly #clip: readonly [number, number] | null;
  readonly #seed: number;
  readonly #thinning: number;
  /** The first iteration that may count. */
  readonly #burnin: number;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for values out of range
   */
  constructor(options: ULAOptions) {
    const { stepSize = 1, sigma = 0.05, alpha = 1, maxIter = 1000 } = options;
    const { thinning = 5, burninRatio = 0.2, clip = [-1, 2], seed = 0 } = options;
    super({
      dataFidelity: options.dataFidelity,
      prior: options.prior,
      stepsize: stepSize,
      sigmaDenoiser: sigma,
      lambda: alpha,
      maxIter,
    });
    const action = "build ULA";
    if (!(stepSize > 0)) throw new InvalidArgumentError(action, "stepSize", "> 0", String(stepSize));
    if (!Number.isInteger(thinning) || thinning < 1) {
      throw new InvalidArgumentError(action, "thinning", "a whole number >= 1", String(thinning));
    }
    if (!(burninRatio >= 0 && burninRatio < 1)) {
      throw new InvalidArgumentError(action, "burninRatio", "in [0, 1)", String(burninRatio));
    }
    if (clip && !(clip[0] <= clip[1])) {
      throw new InvalidArgumentError(action, "clip", "[min, max] with min <= max", String(clip));
    }
    requireSeed(action, seed);
    this.#clip = clip;
    this.#seed = seed;
    this.#thinning = thinning;
    this.#burnin = Math.floor(burninRatio * maxIter);
  }

  /** Draws the chain; see {@link BaseOptim.run}. `x` is its last sample. */
  override async run(y: Signal, physics: Physics, options: RunOptions = {}): Promise<ULAResult> {
    const { state: { x, mean, deviations }, metrics } = await this.iterate(y, physics, options);
    using sum = deviations;
    const count = this.#counted(metrics.residual[0]?.length ?? 0);
    return { x, mean, variance: sum.mul(1 / Math.max(1, count - 1)), metrics };
  }

  /** Without samples. */
  protected override begin(x: Tensor): Promise<ULAState> {
    const zeros = () => Tensor.zeros(x.shape, x);
    return Promise.resolve({ x, mean: zeros(), deviations: zeros() });
  }

  /** One sample. */
  protected override async step(state: ULAState, parameters: StepParameters): Promise<ULAState> {
    const { y, physics, dataFidelity, prior, stepsize, lambda, sigma, iteration } = parameters;
    const { x, mean, deviations } = state;
    using likelihood = owned(await dataFidelity.grad(x, y, physics), x);
    using regularity = owned(await prior.grad(x, sigma), x);
    using gradient = likelihood.addScaled(regularity, lambda);
    using descended = x.addScaled(gradient, -stepsize);
    using noise = iterationNoise(x, this.#seed, iteration);
    const free = descended.addScaled(noise, Math.sqrt(2 * stepsize));
    const sample = this.#clip ? clipped(free, this.#clip) : free;
    const before = this.#counted(iteration), count = this.#counted(iteration + 1);
    if (count === before) {
      return { x: sample, mean: mean.reshape(mean.shape), deviations: deviations.reshape(mean.shape) };
    }
    using gap = sample.sub(mean);
    const next = mean.addScaled(gap, 1 / count);
    using rest = sample.sub(next);
    using product = gap.mul(rest);
    return { x: sample, mean: next, deviations: deviations.add(product) };
  }

  /** How many samples of the first `iterations` count. */
  #counted(iterations: number): number {
    const multiples = (end: number) => Math.ceil(Math.max(0, end) / this.#thinning);
    return Math.max(0, multiples(iterations) - multiples(this.#burnin));
  }
}

function clipped(x: Tensor, [min, max]: readonly [number, number]): Tensor {
  using free = x;
  return free.clamp(min, max);
}
