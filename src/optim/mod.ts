/**
 * Data fidelities, priors and the algorithms that minimise their sum.
 *
 * @example
 * ```ts
 * import { L2 } from "@deepinv/distributed/optim";
 *
 * console.log(new L2({ sigma: 0.1 }).sigma);
 * ```
 *
 * @module
 */
export { BaseOptim } from "./base_optim.ts";
export { DataFidelity } from "./data_fidelity.ts";
export { DivergenceError } from "./divergence_error.ts";
export { L2 } from "./l2.ts";
export { PGD } from "./pgd.ts";
export { PnP } from "./pnp.ts";
export { Prior } from "./prior.ts";
export type {
  IterationInfo,
  OptimOptions,
  RunMetrics,
  RunOptions,
  RunResult,
  StepParameters,
} from "./run_types.ts";
export type { Schedule } from "./schedule.ts";
