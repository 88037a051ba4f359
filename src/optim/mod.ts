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
export { ADMM } from "./admm.ts";
export { BaseOptim } from "./base_optim.ts";
export { DataFidelity } from "./data_fidelity.ts";
export { DivergenceError } from "./divergence_error.ts";
export { dpir, type DPIROptions } from "./dpir.ts";
export { DRS } from "./drs.ts";
export { FISTA, type FISTAOptions } from "./fista.ts";
export { GD } from "./gd.ts";
export { HQS } from "./hqs.ts";
export { IndicatorL2 } from "./indicator_l2.ts";
export { L1 } from "./l1.ts";
export { L12Prior } from "./l12_prior.ts";
export { L1Prior } from "./l1_prior.ts";
export { L2 } from "./l2.ts";
export { MLEM, type MLEMState } from "./mlem.ts";
export { type LinearMap, PDCP, type PDCPOptions, type PDCPState } from "./pdcp.ts";
export { PGD } from "./pgd.ts";
export { PnP } from "./pnp.ts";
export { PoissonLikelihood, type PoissonLikelihoodOptions } from "./poisson_likelihood.ts";
export { Prior } from "./prior.ts";
export { RED } from "./red.ts";
export type {
  IterationInfo,
  OptimOptions,
  OptimState,
  RunMetrics,
  RunOptions,
  RunResult,
  SplittingState,
  StepParameters,
} from "./run_types.ts";
export type { Schedule } from "./schedule.ts";
export { ScorePrior } from "./score_prior.ts";
export { SIRT, type SIRTState } from "./sirt.ts";
export { Splitting } from "./splitting.ts";
export { StackedPhysicsDataFidelity } from "./stacked_fidelity.ts";
export { Tikhonov } from "./tikhonov.ts";
export { TVPrior, type TVPriorOptions } from "./tv_prior.ts";
export { ZeroPrior } from "./zero_prior.ts";
