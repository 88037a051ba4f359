import { psnr } from "../metrics/psnr.ts";
import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CustomMetric, RunMetrics } from "./run_types.ts";

/** The numbers of one iteration, means over the batch. */
export interface IterationMetrics {
  readonly residual: number;
  readonly psnr: number | undefined;
  readonly cost: number | undefined;
}

/** Writes down how a run goes: one list per batch item. */
export class MetricsRecorder {
  /** What was written down. */
  readonly metrics: RunMetrics;
  readonly #truth: Tensor | undefined;
  readonly #custom: Readonly<Record<string, CustomMetric>>;

  /** Begins anew, or after `earlier` iterations. */
  constructor(
    batch: number,
    truth: Tensor | undefined,
    hasCost: boolean,
    custom: Readonly<Record<string, CustomMetric>>,
    earlier?: RunMetrics,
  ) {
    const lists = (wanted: boolean) => Array.from({ length: wanted ? batch : 0 }, (): number[] => []);
    const empty: RunMetrics = {
      residual: lists(true),
      psnr: lists(truth !== undefined),
      cost: lists(hasCost),
      custom: Object.fromEntries(Object.keys(custom).map((name) => [name, lists(true)])),
    };
    this.metrics = earlier ? { ...empty, ...structuredClone(earlier) } : empty;
    this.#truth = truth;
    this.#custom = custom;
  }

  /** The quality of the first image. */
  async start(x: Tensor): Promise<void> {
    if (this.#truth) await append(this.metrics.psnr, psnr(x, this.#truth));
  }

  /** An iteration that took `previous` to x. */
  async record(
    previous: Tensor,
    x: Tensor,
    residuals: readonly number[],
    costs: readonly number[] | undefined,
  ): Promise<IterationMetrics> {
    const { metrics } = this;
    residuals.forEach((value, item) => metrics.residual[item].push(value));
    const quality = this.#truth && await append(metrics.psnr, psnr(x, this.#truth));
    costs?.forEach((value, item) => metrics.cost[item].push(value));
    for (const [name, metric] of Object.entries(this.#custom)) {
      await append(metrics.custom[name], await metric(previous, x));
    }
    return { residual: mean(residuals), psnr: quality, cost: costs && mean(costs) };
  }
}

/** ||previous - x|| / (||x|| + 1e-6) of every item. */
export async function relativeChange(previous: Tensor, x: Tensor): Promise<number[]> {
  using difference = previous.sub(x);
  using change = difference.norm(otherDims(x));
  using size = x.norm(otherDims(x));
  using guarded = size.add(1e-6);
  using ratio = change.div(guarded);
  return Array.from(await ratio.data());
}

/** ||before - now|| / (||now|| + 1e-6) over the batch. */
export function relativeCostChange(before: readonly number[], now: readonly number[]): number {
  return Math.hypot(...before.map((cost, item) => cost - now[item])) / (Math.hypot(...now) + 1e-6);
}

/** The mean; 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Appends one value per item and returns their mean; disposes the values. */
async function append(history: number[][], values: Tensor): Promise<number> {
  using own = values;
  const data = Array.from(await own.data());
  data.forEach((value, item) => history[item].push(value));
  return mean(data);
}
