import { difference, gradientAdjoint } from "../models/differences.ts";
import { lengthOf, type PrimalDualSettings, primalDualSettings } from "../models/over_relaxation.ts";
import { broadcastThreshold } from "../models/threshold.ts";
import { TVSolver } from "../models/tv_solver.ts";
import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";

/** The least length of a gradient that is divided by. */
const TINY = 1e-30;

/** Options of {@link TVPrior}. */
export interface TVPriorOptions {
  /** The prox stops once the image's relative change is below it; default 1e-8. */
  crit?: number;
  /** Most iterations of a prox; default 1000. */
  nItMax?: number;
  /** Whether a prox goes on from where the last one of the same run ended; default true. */
  warmStart?: boolean;
}

/** The isotropic total variation (Rudin, Osher and Fatemi, 1992): g(x) = sum sqrt((nabla x)_1^2 + (nabla x)_2^2). */
export class TVPrior extends Prior {
  /** `true` */
  override readonly explicitPrior = true;
  readonly #settings: PrimalDualSettings;
  readonly #warmStart: boolean;
  #solver: TVSolver | undefined;

  /**
   * Sets how the prox's iteration runs.
   *
   * @throws {InvalidArgumentError} for values out of range
   */
  constructor({ crit = 1e-8, nItMax = 1000, warmStart = true }: TVPriorOptions = {}) {
    super();
    this.#settings = primalDualSettings("TVPrior", { crit, nItMax });
    this.#warmStart = warmStart;
  }

  /** The total variation, shape (B,). */
  override async fn(x: Tensor): Promise<Tensor> {
    using down = difference(x, 2, "forward");
    using across = difference(x, 3, "forward");
    using length = lengthOf([down, across]);
    return await Promise.resolve(length.sum(otherDims(x)));
  }

  /** A subgradient: nabla^T (nabla x / |nabla x|), where 0 / 0 is 0. */
  override async grad(x: Tensor): Promise<Tensor> {
    using down = difference(x, 2, "forward");
    using across = difference(x, 3, "forward");
    using length = lengthOf([down, across]);
    using floored = length.maximum(TINY);
    using vertical = down.div(floored);
    using horizontal = across.div(floored);
    return await Promise.resolve(gradientAdjoint(vertical, horizontal));
  }

  /** argmin_z gamma TV(z) + ||z - x||^2 / 2, by the iteration of TVDenoiser. */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    if (!this.#warmStart) this.reset();
    using threshold = broadcastThreshold("TVPrior", x, gamma);
    this.#solver ??= new TVSolver(this.#settings);
    return await this.#solver.solve(x, threshold);
  }

  /** Lets the next prox start cold. */
  override reset(): void {
    this.#solver?.reset();
    this.#solver = undefined;
  }
}
