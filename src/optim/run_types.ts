import type { Physics } from "../physics/physics.ts";
import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import type { Prior } from "./prior.ts";
import type { Schedule } from "./schedule.ts";

/** What every algorithm's constructor accepts: minimise dataFidelity + lambda prior. */
export interface OptimOptions {
  /** How far an image is from the measurements. */
  dataFidelity: DataFidelity;
  /** What is known of images beforehand; default {@link ZeroPrior}, which is nothing. */
  prior?: Prior;
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
  /** Stops when the relative residual falls below `thresConv`, from the third iteration on; default false. */
  earlyStop?: boolean;
  /** Default 1e-5. */
  thresConv?: number;
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

/** An iteration that has just ended, as `onIteration` sees it. */
export interface IterationInfo {
  /** From 1. */
  readonly iteration: number;
  /** The number of iterations that a run has at most. */
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

/** What happened, one list per batch item. */
export interface RunMetrics {
  /** After every iteration. */
  residual: number[][];
  /** In dB, at the start and after every iteration; empty without `xGt`. */
  psnr: number[][];
  /** After every iteration; empty for an implicit prior. */
  cost: number[][];
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
