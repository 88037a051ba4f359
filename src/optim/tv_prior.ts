import { gradient, gradientAdjoint } from "../models/differences.ts";
import {
  lengthOf,
  type PrimalDualSettings,
  primalDualSettings,
  together,
} from "../models/over_relaxation.ts";
import { broadcastThreshold, requireImages } from "../models/threshold.ts";
import { TVSolver } from "../models/tv_solver.ts";
import { entriesOf, otherDims, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
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

/**
 * The isotropic total variation (Rudin, Osher and Fatemi, 1992) of images or volumes:
 * g(x) = sum sqrt((nabla x)_1^2 + (nabla x)_2^2 [+ (nabla x)_3^2]).
 *
 * @example Sparse-view tomography
 * ```ts
 * import assert from "node:assert/strict";
 * import { FISTA, L2, openDevice, setDefaultDevice } from "@deepinv/distributed";
 * import { sheppLogan, Tensor, Tomography, TVPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const prior = new TVPrior({ nItMax: 10 }); // its prox goes on from where the last one ended
 * const step = Tensor.from([0, 0, 1, 1, 0, 0, 1, 1], [1, 1, 2, 4]);
 * assert.equal(await (await prior.fn(step)).item(), 2); // the height of the edge times its length
 * const physics = new Tomography({ angles: 12, imgWidth: 16 });
 * const image = sheppLogan(16);
 * const y = await physics.A(image);
 * const algorithm = new FISTA({ dataFidelity: new L2(), prior, lambda: 1e-3, maxIter: 30 });
 * const { metrics: { psnr: [psnr] } } = await algorithm.run(y, physics, { xGt: image });
 * assert(psnr[30] > psnr[0] + 2); // dB
 * ```
 */
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
    requireImages(this.constructor.name, x, true);
    const slopes = gradient(x);
    using _slopes = together(...slopes);
    using length = this.length(slopes);
    return await Promise.resolve(length.sum(otherDims(x)));
  }

  /** A subgradient: nabla^T (nabla x / |nabla x|) with 0 / 0 = 0, of x's shape. */
  override async grad(x: Tensor): Promise<Tensor> {
    requireImages(this.constructor.name, x, true);
    const slopes = gradient(x);
    using _slopes = together(...slopes);
    const directions = this.directions(slopes);
    using _directions = together(...directions);
    return await Promise.resolve(gradientAdjoint(...directions));
  }

  /** argmin_z gamma g(z) + ||z - x||^2 / 2, by the iteration of TVDenoiser. */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    if (!this.#warmStart) this.reset();
    using threshold = broadcastThreshold(this.constructor.name, x, gamma, true);
    this.#solver ??= this.#newSolver();
    return await this.#solver.solve(x, threshold);
  }

  /** Where the last prox ended. */
  override memory(): ReadonlyMap<string, Signal> {
    const tensors = this.#solver?.memory() ?? [];
    return new Map(tensors.length > 0 ? [["warmStart", TensorList.from(tensors)]] : []);
  }

  /** Lets the next prox go on from there. */
  override restore(memory: ReadonlyMap<string, Signal>): void {
    const signal = memory.get("warmStart");
    if (!signal) return;
    this.#solver ??= this.#newSolver();
    this.#solver.restore(entriesOf(signal));
  }

  /** Lets the next prox start cold. */
  override reset(): void {
    this.#solver?.reset();
    this.#solver = undefined;
  }

  /** Whether every component of the gradient counts on its own. */
  protected get anisotropic(): boolean {
    return false;
  }

  /** What the gradient's components count at every place. */
  protected length(slopes: readonly Tensor[]): Tensor {
    return lengthOf(slopes);
  }

  /** What the sum of {@link length} changes by with each component: s / |s|, where 0 / 0 is 0. */
  protected directions(slopes: readonly Tensor[]): Tensor[] {
    using length = lengthOf(slopes);
    using floored = length.maximum(TINY);
    return slopes.map((slope) => slope.div(floored));
  }

  #newSolver(): TVSolver {
    return new TVSolver(this.#settings, this.anisotropic);
  }
}
