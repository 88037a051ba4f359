import type { Physics } from "../physics/physics.ts";
import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { AndersonOptions } from "./anderson.ts";
import type { BacktrackingOptions } from "./backtracking.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import type { Prior } from "./prior.ts";
import type { RunState } from "./run_state.ts";
import type { Schedule } from "./schedule.ts";

/** What every algorithm's constructor accepts: minimise dataFidelity + lambda prior. */
export interface OptimOptions {
  /** How far an image is from the measurements; a list has one for each iteration. */
  dataFidelity: DataFidelity | readonly DataFidelity[];
  /** What is known of images beforehand; default {@link ZeroPrior}, which is nothing. A list has one for each iteration. */
  prior?: Prior | readonly Prior[];
  /** tau >= 0; default 1. */
  stepsize?: Schedule;
  /** Weight of the prior, >= 0; default 1. */
  lambda?: Schedule;
  /** The noise level that the prior's denoiser gets, >= 0. */
  sigmaDenoiser?: Schedule;
  /** Relaxation: x <- beta x_new + (1 - beta) x; default 1. */
  beta?: Schedule;
  /** Number of iterations; default 100. */
  maxIter?: number;
  /** Takes the prior's step before the data's; default false. */
  gFirst?: boolean;
  /** Stops when the criterion falls below `thresConv`, from the third iteration on; default false. */
  earlyStop?: boolean;
  /**
   * The criterion: `"residual"` (default), the mean over the batch of ||x_prev - x|| / (||x|| + 1e-6), or `"cost"`,
   * ||F_prev - F|| / (||F|| + 1e-6) over the batch.
   */
  critConv?: "residual" | "cost";
  /** Default 1e-5. */
  thresConv?: number;
  /**
   * Backtracking of the stepsize tau: a step is refused, and tau multiplied by eta, unless the cost falls by
   * gamma / tau ||dx||^2 (means over the batch). A refused step counts as an iteration. It needs an explicit prior and a
   * scalar stepsize. Default false.
   */
  backtracking?: boolean | BacktrackingOptions;
  /** Anderson acceleration of the image; default false. */
  andersonAcceleration?: boolean | AndersonOptions;
  /** Of Anderson acceleration; default 10. */
  historySize?: number;
  /** Of Anderson acceleration; default 0.9. */
  betaAndersonAcc?: number;
  /** Of Anderson acceleration; default 0.1. */
  epsAndersonAcc?: number;
  /** More numbers about every iteration, by name: one value per item, shape (B,), from the images before and after. */
  customMetrics?: Readonly<Record<string, CustomMetric>>;
}

/** A measure of an iteration that took `previous` to `x`: one value per item, shape (B,), a new tensor. */
export type CustomMetric = (previous: Tensor, x: Tensor) => Tensor | Promise<Tensor>;

/** Where a run starts: an image, the first signals of an algorithm by name (`x`, `z`, ...), or what makes an image. */
export type Start =
  | Tensor
  | ({ readonly x: Tensor } & Readonly<Record<string, Signal>>)
  | ((y: Signal, physics: Physics) => Tensor | Promise<Tensor>);

/** Options of a run. */
export interface RunOptions {
  /** The start; by default A^T y. Left alone. */
  init?: Start;
  /** Goes on from a state that `onIteration` gave, to the same end as the run it is from. Left alone. */
  resumeFrom?: RunState;
  /** The true image, for PSNR. */
  xGt?: Tensor;
  /** Called, and awaited, after every iteration. */
  onIteration?: (info: IterationInfo) => void | Promise<void>;
}

/** An iteration that has just ended, as `onIteration` sees it. */
export interface IterationInfo {
  /** From 1. */
  readonly iteration: number;
  /** The number of iterations that a run has at most. */
  readonly maxIter: number;
  /** The image now. It belongs to the algorithm: clone it to keep it. */
  readonly x: Tensor;
  /** Everything that the run needs to go on from here; valid until the callback ends, unless it is cloned or saved. */
  readonly state: RunState;
  /** ||x_prev - x|| / (||x|| + 1e-6), the mean over the batch. */
  readonly residual: number;
  /** In dB, the mean over the batch, when `xGt` is given. */
  readonly psnr?: number;
  /** The mean over the batch, when the prior is explicit. */
  readonly cost?: number;
}

/** What happened, one list per batch item. */
export interface RunMetrics {
  /** After every iteration. */
  residual: number[][];
  /** In dB, at the start and after every iteration; empty without `xGt`. */
  psnr: number[][];
  /** After every iteration; empty for an implicit prior. */
  cost: number[][];
  /** After every iteration, by the name of the custom metric. */
  custom: Record<string, number[][]>;
}

/** The image found and how it was found. */
export interface RunResult {
  /** The last image. It belongs to the caller. */
  x: Tensor;
  /** How the iterations went. */
  metrics: RunMetrics;
}

/**
 * What an algorithm carries from one iteration to the next: the image and whatever else it needs. Every member is the
 * state's own, disposed with it.
 */
export type OptimState = { readonly x: Tensor } & Readonly<Record<string, Signal>>;

/** The state of algorithms with a second image: x, and z. */
export type SplittingState = { readonly x: Tensor; readonly z: Tensor };

/** What one iteration works with. */
export interface StepParameters {
  /** The measurements. */
  readonly y: Signal;
  /** What measured them. */
  readonly physics: Physics;
  /** How far an image is from them. */
  readonly dataFidelity: DataFidelity;
  /** What is known of images beforehand. */
  readonly prior: Prior;
  /** From 0. */
  readonly iteration: number;
  /** tau */
  readonly stepsize: number;
  /** Weight of the prior. */
  readonly lambda: number;
  /** The noise level for the prior's denoiser; `undefined` when none was given. */
  readonly sigma: number | undefined;
  /** Relaxation. */
  readonly beta: number;
}
