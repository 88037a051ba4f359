import { InvalidArgumentError } from "../util/errors.ts";
import { type AndersonSettings, andersonSettings } from "./anderson.ts";
import { type BacktrackingSettings, backtrackingSettings } from "./backtracking.ts";
import { DataFidelity } from "./data_fidelity.ts";
import { Prior } from "./prior.ts";
import type { CustomMetric, OptimOptions } from "./run_types.ts";
import { checkSchedule, type Schedule, valueAt } from "./schedule.ts";
import { ZeroPrior } from "./zero_prior.ts";

/** deepinv's number of iterations. */
export const DEFAULT_MAX_ITER = 100;

/** One object for all iterations, or one for each. */
export type PerIteration<T> = readonly T[];

/** An algorithm's options, checked, with their defaults. */
export interface OptimSettings {
  readonly dataFidelities: PerIteration<DataFidelity>;
  readonly priors: PerIteration<Prior>;
  /** Whether there is a cost to report. */
  readonly hasCost: boolean;
  readonly stepsize: Schedule;
  readonly lambda: Schedule;
  readonly beta: Schedule;
  readonly sigmaDenoiser: Schedule | undefined;
  readonly maxIter: number;
  readonly gFirst: boolean;
  readonly critConv: "residual" | "cost";
  /** The criterion below which a run stops; 0 for never. */
  readonly threshold: number;
  readonly backtracking: BacktrackingSettings | undefined;
  readonly anderson: AndersonSettings | undefined;
  readonly customMetrics: Readonly<Record<string, CustomMetric>>;
}

/**
 * Checks an algorithm's options and fills in the defaults.
 *
 * @throws {InvalidArgumentError} for parameters out of range, and for lists that are too short
 */
export function optimSettings(action: string, options: OptimOptions): OptimSettings {
  const { stepsize = 1, lambda = 1, beta = 1, sigmaDenoiser, maxIter = DEFAULT_MAX_ITER, gFirst = false } =
    options;
  const { earlyStop = false, critConv = "residual", thresConv = 1e-5, customMetrics = {} } = options;
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new InvalidArgumentError(action, "maxIter", "a whole number >= 0", String(maxIter));
  }
  const dataFidelities = each(action, "dataFidelity", options.dataFidelity, DataFidelity, maxIter);
  const priors = each(action, "prior", options.prior ?? new ZeroPrior(), Prior, maxIter);
  const hasCost = priors.every((prior) => prior.explicitPrior);
  if (!(thresConv >= 0)) {
    throw new InvalidArgumentError(action, "thresConv", "a number >= 0", String(thresConv));
  }
  if (critConv !== "residual" && critConv !== "cost") {
    throw new InvalidArgumentError(action, "critConv", '"residual" or "cost"', `"${critConv}"`);
  }
  for (const [name, schedule] of Object.entries({ stepsize, lambda, beta, sigmaDenoiser })) {
    if (schedule !== undefined) checkSchedule(action, name, schedule, maxIter);
  }
  const backtracking = options.backtracking
    ? backtrackingSettings(action, options.backtracking === true ? {} : options.backtracking)
    : undefined;
  for (
    const [name, wanted] of [["critConv", critConv === "cost"], ["backtracking", !!backtracking]] as const
  ) {
    if (wanted && !hasCost) {
      throw new InvalidArgumentError(
        action,
        "prior",
        `explicit, as ${name} looks at the cost`,
        nameOf(priors),
      );
    }
  }
  if (backtracking && !(typeof stepsize === "number" && stepsize > 0)) {
    throw new InvalidArgumentError(action, "stepsize", "one number > 0, with backtracking", String(stepsize));
  }
  return {
    dataFidelities,
    priors,
    hasCost,
    stepsize,
    lambda,
    beta,
    sigmaDenoiser,
    maxIter,
    gFirst,
    critConv,
    threshold: earlyStop ? thresConv : 0,
    backtracking,
    anderson: andersonOf(action, options),
    customMetrics,
  };
}

/** What iteration `iteration`, from 0, works with; the stepsize is multiplied by `factor`. */
export function parametersAt(
  { dataFidelities, priors, stepsize, lambda, beta, sigmaDenoiser }: OptimSettings,
  iteration: number,
  factor: number,
): {
  iteration: number;
  dataFidelity: DataFidelity;
  prior: Prior;
  stepsize: number;
  lambda: number;
  sigma: number | undefined;
  beta: number;
} {
  return {
    iteration,
    dataFidelity: dataFidelities[dataFidelities.length > 1 ? iteration : 0],
    prior: priors[priors.length > 1 ? iteration : 0],
    stepsize: valueAt(stepsize, iteration) * factor,
    lambda: valueAt(lambda, iteration),
    sigma: sigmaDenoiser === undefined ? undefined : valueAt(sigmaDenoiser, iteration),
    beta: valueAt(beta, iteration),
  };
}

function andersonOf(action: string, options: OptimOptions): AndersonSettings | undefined {
  const { andersonAcceleration, historySize, betaAndersonAcc, epsAndersonAcc } = options;
  if (!andersonAcceleration) return undefined;
  const given = andersonAcceleration === true ? {} : andersonAcceleration;
  return andersonSettings(action, {
    historySize: given.historySize ?? historySize,
    beta: given.beta ?? betaAndersonAcc,
    eps: given.eps ?? epsAndersonAcc,
  });
}

function each<T extends object>(
  action: string,
  name: string,
  given: T | readonly T[],
  // deno-lint-ignore no-explicit-any
  kind: abstract new (...options: any[]) => T,
  maxIter: number,
): PerIteration<T> {
  const list: readonly T[] = Array.isArray(given) ? given : [given as T];
  const wrong = list.find((one) => !(one instanceof kind));
  if (wrong !== undefined || list[0] === undefined) {
    const got = list[0] === undefined ? "none" : wrong?.constructor?.name ?? String(wrong);
    throw new InvalidArgumentError(action, name, `a ${kind.name}`, got);
  }
  if (list.length > 1 && list.length < maxIter) {
    const requirement = `one, or a list of at least ${maxIter}`;
    throw new InvalidArgumentError(action, name, requirement, `a list of ${list.length}`);
  }
  return list;
}

function nameOf(priors: PerIteration<Prior>): string {
  return priors.map((prior) => prior.constructor.name).join(", ");
}
