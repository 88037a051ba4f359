import { psnr } from "../metrics/psnr.ts";
import { LinearPhysics } from "../physics/linear_physics.ts";
import { assertFinite, type Physics } from "../physics/physics.ts";
import { otherDims, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import type { Prior } from "./prior.ts";
import { checkSchedule, type Schedule, valueAt } from "./schedule.ts";

/** What every algorithm's constructor accepts: minimise dataFidelity + lambda prior. */
export interface OptimOptions {
  dataFidelity: DataFidelity;
  prior: Prior;
  /** tau > 0; default 1. */
  stepsize?: Schedule;
  /** Weight of the prior; default 1. */
  lambda?: Schedule;
  /** The noise level that the prior's denoiser gets. */
  sigmaDenoiser?: Schedule;
  /** Relaxation: x <- beta x_new + (1 - beta) x; default 1. */
  beta?: Schedule;
  /** Number of iterations; default 100. */
  maxIter?: number;
  /** Takes the prior's step before the data's; default false. */
  gFirst?: boolean;
  /** Stops when the relative residual falls below `thresConv`; default false. */
  earlyStop?: boolean;
  /** Default 1e-5. */
  thresConv?: number;
}

/** An iteration that has just ended, as `onIteration` sees it. */
export interface IterationInfo {
  /** From 1. */
  readonly iteration: number;
  readonly maxIter: number;
  /** The image now. It belongs to the algorithm: clone it to keep it. */
  readonly x: Tensor;
  /** ||x_prev - x|| / (||x|| + 1e-6), the mean over the batch. */
  readonly residual: number;
  /** In dB, the mean over the batch, when `xGt` is given. */
  readonly psnr?: number;
  /** The mean over the batch, when the prior is explicit. */
  readonly cost?: number;
}

/** Options of a run. */
export interface RunOptions {
  /** The start; by default A^T y. Left alone. */
  init?: Tensor;
  /** The true image, for PSNR. */
  xGt?: Tensor;
  /** Called, and awaited, after every iteration. */
  onIteration?: (info: IterationInfo) => void | Promise<void>;
}

/** What happened, one list per batch item. */
export interface RunMetrics {
  /** After every iteration. */
  residual: number[][];
  /** At the start and after every iteration; empty without `xGt`. */
  psnr: number[][];
  /** After every iteration; empty for an implicit prior. */
  cost: number[][];
}

/** The image found and how it was found. */
export interface RunResult {
  x: Tensor;
  metrics: RunMetrics;
}

/** The parameters of one iteration. */
export interface StepParameters {
  readonly stepsize: number;
  readonly lambda: number;
  readonly sigma: number | undefined;
  readonly beta: number;
}

/** deepinv looks at convergence from this iteration on. */
const FIRST_CHECK = 3;

/** The loop that all algorithms share; one algorithm gives `step`. */
export abstract class BaseOptim {
  protected readonly dataFidelity: DataFidelity;
  protected readonly prior: Prior;
  protected readonly gFirst: boolean;
  readonly #options: Required<Omit<OptimOptions, "sigmaDenoiser">> & Pick<OptimOptions, "sigmaDenoiser">;

  /** @throws {InvalidArgumentError} for parameters out of range or schedules that are too short */
  constructor(options: OptimOptions) {
    const filled = {
      stepsize: 1,
      lambda: 1,
      beta: 1,
      maxIter: 100,
      gFirst: false,
      earlyStop: false,
      thresConv: 1e-5,
      ...options,
    };
    const action = `build ${new.target.name}`;
    if (!Number.isInteger(filled.maxIter) || filled.maxIter < 0) {
      throw new InvalidArgumentError(action, "maxIter", "a whole number >= 0", String(filled.maxIter));
    }
    if (!filled.dataFidelity) {
      throw new InvalidArgumentError(action, "dataFidelity", "a DataFidelity", "none");
    }
    if (!filled.prior) throw new InvalidArgumentError(action, "prior", "a Prior", "none");
    for (const name of ["stepsize", "lambda", "beta", "sigmaDenoiser"] as const) {
      if (filled[name] !== undefined) checkSchedule(action, name, filled[name], filled.maxIter);
    }
    this.#options = filled;
    this.dataFidelity = filled.dataFidelity;
    this.prior = filled.prior;
    this.gFirst = filled.gFirst;
  }

  /** The next image, a new tensor. */
  protected abstract step(
    x: Tensor,
    y: Signal,
    physics: Physics,
    parameters: StepParameters,
  ): Promise<Tensor>;

  /**
   * Runs the algorithm on measurements.
   *
   * @param y the measurements of `physics`; a TensorList for a stack
   * @throws {InvalidArgumentError} when y or the start has values that are NaN or infinite, or when there is no start
   * @throws {DivergenceError} when an iteration produces such values
   */
  async run(y: Signal, physics: Physics, options: RunOptions = {}): Promise<RunResult> {
    const action = `run ${this.constructor.name}`;
    const { maxIter, earlyStop, thresConv } = this.#options;
    await assertFinite(action, "y", y);
    let x = await this.#start(action, y, physics, options.init);
    const batch = x.shape[0];
    const metrics: RunMetrics = { residual: lists(batch), psnr: [], cost: [] };
    if (options.xGt) metrics.psnr = lists(batch);
    if (this.prior.explicitPrior) metrics.cost = lists(batch);
    if (options.xGt) await record(metrics.psnr, psnr(x, options.xGt));
    for (let k = 0; k < maxIter; k++) {
      using previous = x;
      x = await this.step(previous, y, physics, this.#parameters(k));
      const residual = await record(metrics.residual, relativeChange(previous, x));
      if (!Number.isFinite(residual)) {
        x.dispose();
        throw new DivergenceError(this.constructor.name, k + 1);
      }
      const quality = options.xGt && await record(metrics.psnr, psnr(x, options.xGt));
      const cost = this.prior.explicitPrior
        ? await record(metrics.cost, await this.#cost(x, y, physics, k))
        : undefined;
      await options.onIteration?.({ iteration: k + 1, maxIter, x, residual, psnr: quality, cost });
      if (earlyStop && k + 1 >= FIRST_CHECK && residual < thresConv) break;
    }
    return { x, metrics };
  }

  async #start(action: string, y: Signal, physics: Physics, init: Tensor | undefined): Promise<Tensor> {
    if (init) {
      await assertFinite(action, "options.init", init);
      return init.clone();
    }
    if (physics instanceof LinearPhysics) return await physics.A_adjoint(y);
    throw new InvalidArgumentError(action, "options.init", "given when the physics is not linear", "none");
  }

  #parameters(k: number): StepParameters {
    const { stepsize, lambda, sigmaDenoiser, beta } = this.#options;
    return {
      stepsize: valueAt(stepsize, k),
      lambda: valueAt(lambda, k),
      sigma: sigmaDenoiser === undefined ? undefined : valueAt(sigmaDenoiser, k),
      beta: valueAt(beta, k),
    };
  }

  async #cost(x: Tensor, y: Signal, physics: Physics, k: number): Promise<Tensor> {
    const { lambda, sigma } = this.#parameters(k);
    using data = await this.dataFidelity.fn(x, y, physics);
    using regularity = await this.prior.fn(x, sigma);
    return data.addScaled(regularity, lambda);
  }
}

/** Iterates that left the finite numbers. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";

  constructor(
    /** The algorithm's name. */
    readonly algorithm: string,
    /** The iteration that produced the values, from 1. */
    readonly iteration: number,
  ) {
    super(
      `Cannot continue ${algorithm}: iteration ${iteration} produced values that are NaN or infinite; try a smaller stepsize`,
    );
  }
}

/** ||a - b|| / (||b|| + 1e-6) per item, shape (B,). */
function relativeChange(a: Tensor, b: Tensor): Tensor {
  using difference = a.sub(b);
  using change = difference.norm(otherDims(b));
  using size = b.norm(otherDims(b));
  using guarded = size.add(1e-6);
  return change.div(guarded);
}

function lists(batch: number): number[][] {
  return Array.from({ length: batch }, () => []);
}

/** Appends one value per item and returns their mean; disposes the values. */
async function record(history: number[][], values: Tensor): Promise<number> {
  using own = values;
  const data = await own.data();
  data.forEach((value, item) => history[item].push(value));
  return data.reduce((sum, value) => sum + value, 0) / Math.max(1, data.length);
}
