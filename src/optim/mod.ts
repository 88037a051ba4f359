/**
 * Data fidelities, priors and the algorithms that minimise their sum.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { L2, PGD, Tikhonov } from "@deepinv/distributed/optim";
 * import { Denoising } from "@deepinv/distributed/physics";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const algorithm = new PGD({ dataFidelity: new L2(), prior: new Tikhonov(), lambda: 1, maxIter: 20 });
 * const { x } = await algorithm.run(Tensor.ones([1, 1, 4, 4]), new Denoising());
 * assert(Math.abs(await x.mean().item() - 1 / 2) < 1e-5); // argmin ||x - 1||^2 / 2 + ||x||^2 / 2
 * ```
 *
 * @module
 */
export { ADMM } from "./admm.ts";
export { AmplitudeLoss } from "./amplitude_loss.ts";
export type { AndersonOptions } from "./anderson.ts";
export type { BacktrackingOptions } from "./backtracking.ts";
export { BaseOptim } from "./base_optim.ts";
export { Bregman, BregmanL2, BurgEntropy, NegEntropy } from "./bregman.ts";
export { DataFidelity } from "./data_fidelity.ts";
export { DiffPIR, type DiffPIROptions, type DiffPIRState } from "./diff_pir.ts";
export { DivergenceError } from "./divergence_error.ts";
export { dpir, type DPIROptions } from "./dpir.ts";
export { DRS } from "./drs.ts";
export { EPLL, type EPLLRunOptions } from "./epll.ts";
export { FISTA, type FISTAOptions } from "./fista.ts";
export { GD } from "./gd.ts";
export { HQS } from "./hqs.ts";
export { IndicatorL2 } from "./indicator_l2.ts";
export { L1 } from "./l1.ts";
export { L12Prior } from "./l12_prior.ts";
export { L1Prior } from "./l1_prior.ts";
export { L2 } from "./l2.ts";
export { LogPoissonLikelihood } from "./log_poisson_likelihood.ts";
export { MD, MirrorAlgorithm, type MirrorDescentOptions, PMD } from "./mirror_descent.ts";
export { MLEM, type MLEMState, PoissonAlgorithm } from "./mlem.ts";
export { OSEM, type OSEMState } from "./osem.ts";
export { type LinearMap, PDCP, type PDCPOptions, type PDCPState } from "./pdcp.ts";
export { type PatchLikelihood, PatchPrior, type PatchPriorOptions } from "./patch_prior.ts";
export { PGD } from "./pgd.ts";
export { PnP } from "./pnp.ts";
export { PoissonLikelihood, type PoissonLikelihoodOptions } from "./poisson_likelihood.ts";
export { Prior } from "./prior.ts";
export { RED } from "./red.ts";
export type {
  CustomMetric,
  IterationInfo,
  OptimOptions,
  OptimState,
  RunMetrics,
  RunOptions,
  RunResult,
  SplittingState,
  Start,
  StepParameters,
} from "./run_types.ts";
export { type RunProgress, RunState } from "./run_state.ts";
export type { Schedule } from "./schedule.ts";
export { ScorePrior } from "./score_prior.ts";
export { SIRT, type SIRTState } from "./sirt.ts";
export { Splitting, TwoImageSplitting } from "./splitting.ts";
export { StackedPhysicsDataFidelity } from "./stacked_fidelity.ts";
export { Tikhonov } from "./tikhonov.ts";
export { TVL1Prior } from "./tvl1_prior.ts";
export { TVPrior, type TVPriorOptions } from "./tv_prior.ts";
export { ULA, type ULAOptions, type ULAResult, type ULAState } from "./ula.ts";
export { ZeroFidelity } from "./zero_fidelity.ts";
export { WaveletPrior, type WaveletPriorOptions } from "./wavelet_prior.ts";
export { ZeroPrior } from "./zero_prior.ts";
export { bicgstab, type SquareSolverOptions } from "../physics/bicgstab.ts";
export { conjugateGradient, type ConjugateGradientOptions } from "../physics/conjugate_gradient.ts";
export { type LinearFunction } from "../physics/item_arithmetic.ts";
export { leastSquares, type LeastSquaresProblem } from "../physics/least_squares.ts";
export { lsqr, type LsqrOptions } from "../physics/lsqr.ts";
export { minres } from "../physics/minres.ts";
