import { InvalidArgumentError } from "../util/errors.ts";
import type { OptimOptions, SplittingState, StepParameters } from "./run_types.ts";
import { DEFAULT_MAX_ITER } from "./optim_settings.ts";
import { checkSchedule, type Schedule, valueAt, valuesOf } from "./schedule.ts";
import { TwoImageSplitting } from "./splitting.ts";

/** Options of {@link FISTA}. */
export interface FISTAOptions extends OptimOptions {
  /** Slows the momentum down, >= 2; default 3. */
  a?: Schedule;
}

/**
 * The fast iterative shrinkage-thresholding algorithm (Beck and Teboulle, 2009; Chambolle and Dossal, 2015): a PGD step
 * from z, then momentum: x' = PGD(z), z <- x' + (k + a - 1) / (k + a) (x' - x), k = 0, 1, ... There is no relaxation.
 *
 * @example The total variation's proximal operator in a loop that stops by itself
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, FISTA, L2, openDevice, setDefaultDevice, Tensor, TVPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const algorithm = new FISTA({
 *   dataFidelity: new L2(),
 *   prior: new TVPrior({ nItMax: 30 }),
 *   ...{ lambda: 0.1, stepsize: 0.9, maxIter: 50 },
 *   ...{ earlyStop: true, critConv: "residual", thresConv: 1e-3 },
 * });
 * const { metrics: { cost: [cost], residual: [residual] } } = await algorithm.run(y, new Denoising());
 * assert(cost.length < 50 && residual.at(-1)! < 1e-3);
 * assert(cost.at(-1)! < cost[0]);
 * ```
 */
export class FISTA extends TwoImageSplitting {
  readonly #a: Schedule;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: FISTAOptions) {
    super(options);
    this.#a = options.a ?? 3;
    checkSchedule("build FISTA", "a", this.#a, options.maxIter ?? DEFAULT_MAX_ITER);
    if (!valuesOf(this.#a).every((a) => a >= 2)) {
      throw new InvalidArgumentError("build FISTA", "a", "finite and >= 2", String(this.#a));
    }
  }

  /** One iteration: x, then z. */
  protected override async step(
    state: SplittingState,
    parameters: StepParameters,
  ): Promise<SplittingState> {
    const x = await this.forwardBackward(state.z, parameters);
    const { iteration: k } = parameters;
    const a = valueAt(this.#a, k);
    using change = x.sub(state.x);
    return { x, z: x.addScaled(change, (k + a - 1) / (k + a)) };
  }
}
