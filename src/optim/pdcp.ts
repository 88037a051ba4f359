import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import { sameShape, Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { OptimOptions, StepParameters } from "./run_types.ts";
import { DEFAULT_MAX_ITER } from "./optim_settings.ts";
import { checkSchedule, type Schedule, valueAt, valuesOf } from "./schedule.ts";
import { Splitting } from "./splitting.ts";

/** A linear map between tensors. */
export type LinearMap = (x: Tensor) => Tensor | Promise<Tensor>;

/** Options of {@link PDCP}. */
export interface PDCPOptions extends OptimOptions {
  /** The dual variable's stepsize s, > 0; default 1. The method converges for tau s ||K||^2 <= 1. */
  stepsizeDual?: Schedule;
  /** The linear map K; default the identity. Given together with its adjoint. */
  K?: LinearMap;
  /** The adjoint of K. */
  KAdjoint?: LinearMap;
}

/** The state of {@link PDCP}: the image, its extrapolation and the dual variable. */
export type PDCPState = { readonly x: Tensor; readonly z: Tensor; readonly u: Tensor };

/**
 * The primal-dual method of Chambolle and Pock (2011) for f(K x) + lambda g(x), or with `gFirst` f(x) + lambda g(K x).
 * With h the term behind K and k the other one,
 *
 *     u <- prox_{s h*}(u + s K z),  x' = prox_{tau k}(x - tau K^T u),  z <- x' + beta (x' - x).
 *
 * u starts as y where y has the shape of K x, and as 0 elsewhere.
 *
 * @example The total variation as an L12 norm behind K, the gradient
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L12Prior, L2, nabla, nablaAdjoint } from "@deepinv/distributed";
 * import { openDevice, PDCP, setDefaultDevice, Tensor, TVDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([1, 1, 12, 12], { seed: 1 });
 * const algorithm = new PDCP({
 *   dataFidelity: new L2(),
 *   prior: new L12Prior({ l2Axis: -1 }), // sums the lengths of the gradients
 *   ...{ K: nabla, KAdjoint: nablaAdjoint, gFirst: true }, // the prior's argument is K x
 *   lambda: 0.2,
 *   ...{ stepsize: 0.25, stepsizeDual: 0.5, maxIter: 40 }, // 0.25 * 0.5 * ||nabla||^2 <= 1
 * });
 * const { x } = await algorithm.run(y, new Denoising());
 * using expected = await new TVDenoiser({ crit: 1e-4 }).forward(y, 0.2);
 * assert(await x.sub(expected).abs().max().item() < 1e-2);
 * ```
 */
export class PDCP extends Splitting<PDCPState> {
  readonly #stepsizeDual: Schedule;
  readonly #K: LinearMap;
  readonly #KAdjoint: LinearMap;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range, schedules that are too short, and a K without adjoint
   */
  constructor(options: PDCPOptions) {
    super(options);
    const { stepsizeDual = 1, K, KAdjoint } = options;
    checkSchedule("build PDCP", "stepsizeDual", stepsizeDual, options.maxIter ?? DEFAULT_MAX_ITER);
    if (!valuesOf(stepsizeDual).every((step) => step > 0)) {
      throw new InvalidArgumentError("build PDCP", "stepsizeDual", "finite and > 0", String(stepsizeDual));
    }
    if ((K === undefined) !== (KAdjoint === undefined)) {
      throw new InvalidArgumentError("build PDCP", "K and KAdjoint", "given together", "one of them");
    }
    this.#stepsizeDual = stepsizeDual;
    this.#K = K ?? ((x) => x);
    this.#KAdjoint = KAdjoint ?? ((u) => u);
  }

  /** z = x; u = y or 0 */
  protected override async begin(x: Tensor, y: Signal, _physics: Physics): Promise<PDCPState> {
    using Kx = owned(await this.#K(x), x);
    const fits = y instanceof Tensor && sameShape(y.shape, Kx.shape);
    return { x, z: x.clone(), u: fits ? y.clone() : Tensor.zeros(Kx.shape, x) };
  }

  /** One iteration: u, x, z. */
  protected override async step(state: PDCPState, parameters: StepParameters): Promise<PDCPState> {
    const { stepsize, beta } = parameters;
    const s = valueAt(this.#stepsizeDual, parameters.iteration);
    using Kz = owned(await this.#K(state.z), state.z);
    using v = state.u.addScaled(Kz, s);
    using scaled = v.mul(1 / s);
    using near = await this.firstProx(scaled, { ...parameters, stepsize: 1 / s });
    const u = v.addScaled(near, -s);
    try {
      using back = owned(await this.#KAdjoint(u), u);
      using descended = state.x.addScaled(back, -stepsize);
      const x = await this.secondProx(descended, parameters);
      using change = x.sub(state.x);
      return { x, z: x.addScaled(change, beta), u };
    } catch (error) {
      u.dispose();
      throw error;
    }
  }
}
