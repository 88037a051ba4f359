import { psnr } from "../metrics/psnr.ts";
import { LinearPhysics } from "../physics/linear_physics.ts";
import { assertFinite, type Physics } from "../physics/physics.ts";
import { otherDims, owned, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import { DivergenceError } from "./divergence_error.ts";
import { Prior } from "./prior.ts";
import type {
  OptimOptions,
  OptimState,
  RunMetrics,
  RunOptions,
  RunResult,
  StepParameters,
} from "./run_types.ts";
import { checkSchedule, type Schedule, valueAt } from "./schedule.ts";
import { ZeroPrior } from "./zero_prior.ts";

/** deepinv looks at convergence from this iteration on. */
const FIRST_CHECK = 3;

/** The loop that all algorithms share; one algorithm gives the state that it `begin`s with, and a `step` from it. */
export abstract class BaseOptim<State extends OptimState = OptimState> {
  /** How far an image is from the measurements. */
  protected readonly dataFidelity: DataFidelity;
  /** What is known of images beforehand. */
  protected readonly prior: Prior;
  /** Whether the prior's step comes before the data's. */
  protected readonly gFirst: boolean;
  readonly #schedules: {
    readonly stepsize: Schedule;
    readonly lambda: Schedule;
    readonly beta: Schedule;
    readonly sigmaDenoiser: Schedule | undefined;
  };
  readonly #maxIter: number;
  /** The residual below which a run stops; 0 for never. */
  readonly #threshold: number;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: OptimOptions) {
    const {
      dataFidelity,
      prior = new ZeroPrior(),
      stepsize = 1,
      lambda = 1,
      beta = 1,
      sigmaDenoiser,
      maxIter = 100,
    } = options;
    const { gFirst = false, earlyStop = false, thresConv = 1e-5 } = options;
    const action = `build ${new.target.name}`;
    if (!dataFidelity) throw new InvalidArgumentError(action, "dataFidelity", "a DataFidelity", "none");
    if (!(prior instanceof Prior)) throw new InvalidArgumentError(action, "prior", "a Prior", String(prior));
    if (!Number.isInteger(maxIter) || maxIter < 0) {
      throw new InvalidArgumentError(action, "maxIter", "a whole number >= 0", String(maxIter));
    }
    if (!(thresConv >= 0)) {
      throw new InvalidArgumentError(action, "thresConv", "a number >= 0", String(thresConv));
    }
    for (const [name, schedule] of Object.entries({ stepsize, lambda, beta, sigmaDenoiser })) {
      if (schedule !== undefined) checkSchedule(action, name, schedule, maxIter);
    }
    this.dataFidelity = dataFidelity;
    this.prior = prior;
    this.gFirst = gFirst;
    this.#schedules = { stepsize, lambda, beta, sigmaDenoiser };
    this.#maxIter = maxIter;
    this.#threshold = earlyStop ? thresConv : 0;
  }

  /**
   * The state before the first iteration.
   *
   * @param x the first image, which the state takes over
   */
  protected abstract begin(x: Tensor, y: Signal, physics: Physics): Promise<State>;

  /** The next state, which shares nothing with the one before. */
  protected abstract step(state: State, parameters: StepParameters): Promise<State>;

  /** The first image where none is given: A^T y. */
  protected async initialImage(y: Signal, physics: LinearPhysics): Promise<Tensor> {
    const x = await physics.A_adjoint(y);
    return y instanceof Tensor ? owned(x, y) : x;
  }

  /**
   * Runs the algorithm on measurements.
   *
   * @param y the measurements of `physics`; a TensorList for a stack
   * @throws {InvalidArgumentError} when y or the start has values that are NaN or infinite, or when there is no start
   * @throws {DivergenceError} when an iteration produces such values
   */
  async run(y: Signal, physics: Physics, options: RunOptions = {}): Promise<RunResult> {
    const { xGt, onIteration } = options;
    const maxIter = this.#maxIter;
    this.prior.reset();
    let state = await this.#start(y, physics, options.init);
    try {
      const metrics = this.#emptyMetrics(state.x.shape[0], xGt);
      if (xGt) await record(metrics.psnr, psnr(state.x, xGt));
      for (let k = 0; k < maxIter; k++) {
        const parameters = { y, physics, iteration: k, ...this.#parameters(k) };
        const next = await this.step(state, parameters);
        using previous = disposable(state);
        state = next;
        const { x } = state;
        const residual = await record(metrics.residual, relativeChange(previous.x, x));
        if (!Number.isFinite(residual)) throw new DivergenceError(this.constructor.name, k + 1);
        const quality = xGt && await record(metrics.psnr, psnr(x, xGt));
        const cost = this.prior.explicitPrior
          ? await record(metrics.cost, await this.#cost(x, parameters))
          : undefined;
        await onIteration?.({ iteration: k + 1, maxIter, x, residual, psnr: quality, cost });
        if (k + 1 >= FIRST_CHECK && residual < this.#threshold) break;
      }
      const { x, ...others } = state;
      Object.values(others).forEach((signal) => signal.dispose());
      return { x, metrics };
    } catch (error) {
      disposable(state)[Symbol.dispose]();
      throw error;
    } finally {
      this.prior.reset();
    }
  }

  async #start(y: Signal, physics: Physics, init: Tensor | undefined): Promise<State> {
    const action = `run ${this.constructor.name}`;
    await assertFinite(action, "y", y);
    if (init) {
      await assertFinite(action, "options.init", init);
      return await this.#begin(init.clone(), y, physics);
    }
    if (!(physics instanceof LinearPhysics)) {
      throw new InvalidArgumentError(action, "options.init", "given when the physics is not linear", "none");
    }
    return await this.#begin(await this.initialImage(y, physics), y, physics);
  }

  async #begin(x: Tensor, y: Signal, physics: Physics): Promise<State> {
    try {
      return await this.begin(x, y, physics);
    } catch (error) {
      x.dispose();
      throw error;
    }
  }

  #emptyMetrics(batch: number, xGt: Tensor | undefined): RunMetrics {
    const lists = (wanted: boolean) => Array.from({ length: wanted ? batch : 0 }, (): number[] => []);
    return { residual: lists(true), psnr: lists(xGt !== undefined), cost: lists(this.prior.explicitPrior) };
  }

  #parameters(k: number): Omit<StepParameters, "y" | "physics" | "iteration"> {
    const { stepsize, lambda, sigmaDenoiser, beta } = this.#schedules;
    return {
      stepsize: valueAt(stepsize, k),
      lambda: valueAt(lambda, k),
      sigma: sigmaDenoiser === undefined ? undefined : valueAt(sigmaDenoiser, k),
      beta: valueAt(beta, k),
    };
  }

  async #cost(x: Tensor, { y, physics, lambda, sigma }: StepParameters): Promise<Tensor> {
    using data = await this.dataFidelity.fn(x, y, physics);
    using regularity = await this.prior.fn(x, sigma);
    return data.addScaled(regularity, lambda);
  }
}

/** A state that `using` disposes. */
function disposable<State extends OptimState>(state: State): State & Disposable {
  return {
    ...state,
    [Symbol.dispose]: () => Object.values<Signal>(state).forEach((signal) => signal.dispose()),
  };
}

/** ||a - b|| / (||b|| + 1e-6) per item, shape (B,). */
function relativeChange(a: Tensor, b: Tensor): Tensor {
  using difference = a.sub(b);
  using change = difference.norm(otherDims(b));
  using size = b.norm(otherDims(b));
  using guarded = size.add(1e-6);
  return change.div(guarded);
}

/** Appends one value per item and returns their mean; disposes the values. */
async function record(history: number[][], values: Tensor): Promise<number> {
  using own = values;
  const data = await own.data();
  data.forEach((value, item) => history[item].push(value));
  return data.reduce((sum, value) => sum + value, 0) / Math.max(1, data.length);
}
