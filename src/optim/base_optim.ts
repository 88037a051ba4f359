import { LinearPhysics } from "../physics/linear_physics.ts";
import { assertFinite, type Physics } from "../physics/physics.ts";
import { owned, requireSameShape, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Anderson } from "./anderson.ts";
import { fallsEnough } from "./backtracking.ts";
import { DivergenceError } from "./divergence_error.ts";
import { type OptimSettings, optimSettings, parametersAt } from "./optim_settings.ts";
import { mean, MetricsRecorder, relativeChange, relativeCostChange } from "./run_metrics.ts";
import { type RunProgress, RunState } from "./run_state.ts";
import type {
  OptimOptions,
  OptimState,
  RunMetrics,
  RunOptions,
  RunResult,
  Start,
  StepParameters,
} from "./run_types.ts";

/** deepinv looks at convergence from this iteration on. */
const FIRST_CHECK = 3;

/** Where a run stands: what {@link RunProgress} has of it. */
type Position = { -readonly [K in keyof Omit<RunProgress, "algorithm" | "metrics">]: RunProgress[K] };

/**
 * The loop that all algorithms share; one algorithm gives the state that it `begin`s with, and a `step` from it.
 *
 * @example An algorithm of one's own: gradient descent with momentum (Polyak, 1964)
 * ```ts
 * import assert from "node:assert/strict";
 * import { BaseOptim, Blur, gaussianBlur, L2, openDevice } from "@deepinv/distributed";
 * import { setDefaultDevice, sheppLogan, type StepParameters, type Tensor } from "@deepinv/distributed";
 *
 * type State = { readonly x: Tensor; readonly before: Tensor };
 * class HeavyBall extends BaseOptim<State> {
 *   protected override begin = (x: Tensor) => Promise.resolve({ x, before: x.clone() });
 *   protected override async step({ x, before }: State, parameters: StepParameters): Promise<State> {
 *     const { y, physics, dataFidelity, stepsize } = parameters;
 *     using gradient = await dataFidelity.grad(x, y, physics);
 *     using momentum = x.sub(before);
 *     using ahead = x.addScaled(momentum, 0.7);
 *     return { x: ahead.addScaled(gradient, -stepsize), before: x.clone() };
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const y = await blur.A(sheppLogan(32));
 * const { metrics: { cost: [cost] } } = await new HeavyBall({ dataFidelity: new L2(), maxIter: 20 }).run(y, blur);
 * assert(cost[19] < 0.1 * cost[0]);
 * ```
 */
export abstract class BaseOptim<State extends OptimState = OptimState> {
  /** Whether the prior's step comes before the data's. */
  protected readonly gFirst: boolean;
  readonly #settings: OptimSettings;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: OptimOptions) {
    this.#settings = optimSettings(`build ${new.target.name}`, options);
    this.gFirst = this.#settings.gFirst;
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
   * @throws {InvalidArgumentError} when y or the start has values that are NaN or infinite, when there is no start, and
   * when the state to resume from is another algorithm's
   * @throws {DivergenceError} when an iteration produces such values
   */
  async run(y: Signal, physics: Physics, options: RunOptions = {}): Promise<RunResult> {
    const { state, metrics } = await this.iterate(y, physics, options);
    const { x, ...others } = state;
    Object.values(others).forEach((signal) => signal.dispose());
    return { x, metrics };
  }

  /** The last state, which belongs to the caller, and how the iterations went. */
  protected async iterate(
    y: Signal,
    physics: Physics,
    { init, xGt, onIteration, resumeFrom }: RunOptions,
  ): Promise<{ state: State; metrics: RunMetrics }> {
    const { maxIter, threshold, critConv, backtracking, hasCost, customMetrics } = this.#settings;
    this.#resetPriors();
    let state = resumeFrom ? await this.#resume(y, resumeFrom) : await this.#start(y, physics, init);
    try {
      using anderson = this.#settings.anderson && new Anderson(this.#settings.anderson, resumeFrom?.signals);
      const earlier = resumeFrom?.progress;
      const recorder = new MetricsRecorder(state.x.shape[0], xGt, hasCost, customMetrics, earlier?.metrics);
      if (!earlier) await recorder.start(state.x);
      const at: Position = { iteration: 0, stepsizeFactor: 1, rejections: 0, ...positionOf(earlier) };
      const parameters = (k: number): StepParameters => ({
        y,
        physics,
        ...parametersAt(this.#settings, k, at.stepsizeFactor),
      });
      if (backtracking && maxIter > 0) at.costs ??= await costs(state.x, parameters(0));
      const settled = () => at.iteration >= FIRST_CHECK && (at.criterion ?? Infinity) < threshold;
      for (let k = at.iteration; k < maxIter && !settled(); k++) {
        const now = parameters(k);
        const before = state;
        state = await this.step(before, now);
        let leaving = before;
        try {
          if (anderson) state = await accelerated(anderson, before.x, state, k);
          const earlierCosts = at.costs;
          const found = hasCost ? await costs(state.x, now) : undefined;
          at.iteration = k + 1;
          if (backtracking) {
            const { gamma, eta, maxIter: most } = backtracking;
            const { stepsize } = now;
            if (!await fallsEnough(before.x, state.x, earlierCosts!, found!, stepsize, gamma)) {
              [state, leaving] = [before, state];
              at.stepsizeFactor *= eta;
              if (++at.rejections >= most) break;
              continue;
            }
            at.rejections = 0;
          }
          at.costs = found;
          const residuals = await relativeChange(before.x, state.x);
          if (!residuals.every(Number.isFinite)) throw new DivergenceError(this.constructor.name, k + 1);
          const measured = await recorder.record(before.x, state.x, residuals, found);
          at.criterion = critConv === "residual" || !earlierCosts
            ? mean(residuals)
            : relativeCostChange(earlierCosts, found!);
          await onIteration?.({
            iteration: k + 1,
            maxIter,
            x: state.x,
            ...measured,
            state: this.#stateOf(state, anderson, { ...at, metrics: recorder.metrics }),
          });
        } finally {
          disposeAll(leaving);
        }
      }
      return { state, metrics: recorder.metrics };
    } catch (error) {
      disposeAll(state);
      throw error;
    } finally {
      this.#resetPriors();
    }
  }

  async #start(y: Signal, physics: Physics, init: Start | undefined): Promise<State> {
    const action = `run ${this.constructor.name}`;
    await assertFinite(action, "y", y);
    const given = typeof init === "function" ? await init(y, physics) : init;
    if (given) {
      const signals = given instanceof Tensor ? { x: given } : given;
      for (const signal of Object.values(signals)) await assertFinite(action, "options.init", signal);
      return await this.#begin(signals.x.clone(), y, physics, signals);
    }
    if (!(physics instanceof LinearPhysics)) {
      throw new InvalidArgumentError(action, "options.init", "given when the physics is not linear", "none");
    }
    return await this.#begin(await this.initialImage(y, physics), y, physics);
  }

  /** The first state, with the signals that are given in the place of its own. */
  async #begin(
    x: Tensor,
    y: Signal,
    physics: Physics,
    given: Readonly<Record<string, Signal>> = {},
  ): Promise<State> {
    const action = `run ${this.constructor.name}`;
    let state: Record<string, Signal> = { x };
    try {
      state = { ...await this.begin(x, y, physics) };
      for (const [name, signal] of Object.entries(given)) {
        if (name === "x") continue;
        if (!(name in state)) {
          throw new InvalidArgumentError(action, "options.init", `made of ${Object.keys(state)}`, name);
        }
        requireSameShape(action, `options.init.${name}`, signal, state[name]);
        state[name].dispose();
        state[name] = signal.clone();
      }
      return state as State;
    } catch (error) {
      disposeAll(state);
      throw error;
    }
  }

  async #resume(y: Signal, { progress, signals }: RunState): Promise<State> {
    const action = `run ${this.constructor.name}`;
    await assertFinite(action, "y", y);
    if (progress.algorithm !== this.constructor.name) {
      const requirement = `a state of ${this.constructor.name}`;
      throw new InvalidArgumentError(
        action,
        "options.resumeFrom",
        requirement,
        `one of ${progress.algorithm}`,
      );
    }
    const own = [...signals].filter(([name]) => !name.includes("."));
    const state = Object.fromEntries(own.map(([name, signal]) => [name, signal.clone()]));
    this.#uniquePriors().forEach((prior, i) => {
      const prefix = `prior${i}.`;
      const kept = [...signals].filter(([name]) => name.startsWith(prefix));
      if (kept.length > 0) prior.restore(new Map(kept.map(([name, s]) => [name.slice(prefix.length), s])));
    });
    return state as State;
  }

  #stateOf(
    state: State,
    anderson: Anderson | undefined,
    progress: Omit<RunProgress, "algorithm">,
  ): RunState {
    const signals = new Map<string, Signal>(Object.entries(state));
    anderson?.signals().forEach((signal, name) => signals.set(name, signal));
    this.#uniquePriors().forEach((prior, i) => {
      prior.memory().forEach((signal, name) => signals.set(`prior${i}.${name}`, signal));
    });
    return new RunState({ ...progress, algorithm: this.constructor.name }, signals);
  }

  #uniquePriors(): OptimSettings["priors"] {
    return [...new Set(this.#settings.priors)];
  }

  #resetPriors(): void {
    for (const prior of this.#uniquePriors()) prior.reset();
  }
}

/** d(A(x), y) + lambda g(x) of every item. */
async function costs(
  x: Tensor,
  { y, physics, dataFidelity, prior, lambda, sigma }: StepParameters,
): Promise<number[]> {
  using data = await dataFidelity.fn(x, y, physics);
  using regularity = await prior.fn(x, sigma);
  using total = data.addScaled(regularity, lambda);
  return Array.from(await total.data());
}

/** `next` with its image accelerated; takes it over. */
async function accelerated<State extends OptimState>(
  anderson: Anderson,
  x: Tensor,
  next: State,
  iteration: number,
): Promise<State> {
  const image = await anderson.accelerate(x, next.x, iteration);
  next.x.dispose();
  return { ...next, x: image };
}

function positionOf(progress: RunProgress | undefined): Partial<Position> {
  if (!progress) return {};
  const { iteration, stepsizeFactor, rejections, costs, criterion } = progress;
  return { iteration, stepsizeFactor, rejections, costs, criterion };
}

function disposeAll(state: Readonly<Record<string, Signal>>): void {
  Object.values(state).forEach((signal) => signal.dispose());
}
