import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { mean } from "./run_metrics.ts";

/** How {@link OptimOptions.backtracking} works. */
export interface BacktrackingOptions {
  /** Share of ||dx||^2 / stepsize that the cost must fall by, in (0, 1/2); default 0.1. */
  gamma?: number;
  /** What the stepsize is multiplied by when it does not, in (0, 1); default 0.9. */
  eta?: number;
  /** Refused steps in a row that end the run, >= 1; default 20. */
  maxIter?: number;
}

/** The options with their defaults. */
export type BacktrackingSettings = Readonly<Required<BacktrackingOptions>>;

/**
 * Fills in and checks the options.
 *
 * @throws {InvalidArgumentError} for values out of range
 */
export function backtrackingSettings(action: string, options: BacktrackingOptions): BacktrackingSettings {
  const { gamma = 0.1, eta = 0.9, maxIter = 20 } = options;
  const refuse = (name: string, requirement: string, got: number) => {
    throw new InvalidArgumentError(action, `backtracking.${name}`, requirement, String(got));
  };
  if (!(gamma > 0 && gamma < 0.5)) refuse("gamma", "in (0, 1/2)", gamma);
  if (!(eta > 0 && eta < 1)) refuse("eta", "in (0, 1)", eta);
  if (!Number.isInteger(maxIter) || maxIter < 1) refuse("maxIter", "a whole number >= 1", maxIter);
  return { gamma, eta, maxIter };
}

/** Whether the costs fell by gamma / stepsize ||x - previous||^2 or more; means over the batch. */
export async function fallsEnough(
  previous: Tensor,
  x: Tensor,
  costsBefore: readonly number[],
  costs: readonly number[],
  stepsize: number,
  gamma: number,
): Promise<boolean> {
  using difference = x.sub(previous);
  using squares = difference.dot(difference, otherDims(difference));
  const change = mean(Array.from(await squares.data()));
  return mean(costsBefore) - mean(costs) >= (gamma / stepsize) * change;
}
