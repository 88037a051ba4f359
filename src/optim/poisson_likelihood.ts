import type { Physics } from "../physics/physics.ts";
import { otherDims, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { DataFidelity } from "./data_fidelity.ts";
import { gradientProx } from "./gradient_prox.ts";

/** Options of {@link PoissonLikelihood}. */
export interface PoissonLikelihoodOptions {
  /** The image's units per photon, > 0; default 1. */
  gain?: number;
  /** Background photons per measurement, >= 0; default 0. */
  bkg?: number;
  /** Whether measurements come in the image's units rather than in photons, so that they are divided by the gain; default true. */
  denormalize?: boolean;
  /**
   * Computes what deepinv 0.4.1 does, for comparisons number by number; default false. Then `d` adds the logarithms of the
   * whole batch to every item, `gradD` is gain (1 - p / w), gain^2 times the slope, `proxD` is
   * (u - s sqrt((u - s)^2 + 4 p / gamma)) / 2 with s = 1 / (gain gamma), which is not the minimiser, and `prox` is at most 50
   * steps of gradient descent with that gradient.
   */
  deepinvCompat?: boolean;
}

/** The least number of photons that is expected anywhere. */
const FLOOR = 1e-12;

/**
 * The negative log-likelihood of Poisson noise: with w = u / gain + bkg photons expected and p = y / gain counted,
 * d(u, y) = sum(w - p - p log w), up to what does not depend on u.
 *
 * deepinv's `PoissonLikelihood` with its gradient, its proximal operator and its sum per item corrected: the gradient is
 * (1 - p / w) / gain for every gain, and prox the minimiser. `deepinvCompat` undoes the corrections.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, openDevice, PoissonLikelihood, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Denoising();
 * const fidelity = new PoissonLikelihood({ gain: 0.1, bkg: 2 }); // 0.1 per photon, 2 photons of background
 * const x = Tensor.full([1, 1, 1, 2], 0.5); // 5 photons
 * const y = Tensor.from([0.7, 1.4], [1, 1, 1, 2]); // 7 and 14 photons
 * using slope = await fidelity.grad(x, y, physics); // (1 - 7 / (5 + 2)) / 0.1, (1 - 14 / (5 + 2)) / 0.1
 * assert((await slope.data()).every((value, i) => Math.abs(value - [0, -10][i]) < 1e-4));
 * using p = await fidelity.prox(x, y, physics, 0.01);
 * assert((await fidelity.fn(p, y, physics).then((value) => value.item())) <
 *   await fidelity.fn(x, y, physics).then((value) => value.item()));
 * ```
 */
export class PoissonLikelihood extends DataFidelity {
  readonly #gain: number;
  readonly #bkg: number;
  readonly #denormalize: boolean;
  readonly #deepinvCompat: boolean;

  /**
   * Sets the units.
   *
   * @throws {InvalidArgumentError} when the gain is not positive or the background is negative
   */
  constructor(options: PoissonLikelihoodOptions = {}) {
    super();
    const { gain = 1, bkg = 0, denormalize = true, deepinvCompat = false } = options;
    const action = "build PoissonLikelihood";
    if (!(gain > 0 && gain < Infinity)) {
      throw new InvalidArgumentError(action, "gain", "finite and > 0", String(gain));
    }
    if (!(bkg >= 0 && bkg < Infinity)) {
      throw new InvalidArgumentError(action, "bkg", "finite and >= 0", String(bkg));
    }
    this.#gain = gain;
    this.#bkg = bkg;
    this.#denormalize = denormalize;
    this.#deepinvCompat = deepinvCompat;
  }

  /** sum(w - p - p log w), shape (B,) */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using expected = this.#expected(u);
    using floored = expected.maximum(FLOOR);
    using logarithm = floored.log();
    using counted = this.#counted(y);
    using information = logarithm.mul(counted);
    using excess = expected.sub(counted);
    if (this.#deepinvCompat) {
      using shared = information.sum();
      using own = excess.sum(otherDims(u));
      return await Promise.resolve(own.sub(shared));
    }
    using loss = excess.sub(information);
    return await Promise.resolve(loss.sum(otherDims(u)));
  }

  /** (1 - p / w) / gain */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using expected = this.#expected(u);
    using floored = expected.maximum(FLOOR);
    using counted = this.#counted(y);
    using ratio = counted.div(floored);
    const factor = this.#deepinvCompat ? this.#gain : 1 / this.#gain;
    using slope = ratio.mul(-factor);
    return await Promise.resolve(slope.add(factor));
  }

  /** gain (w - bkg) with w the positive root of gain w^2 - (u + gain bkg - gamma / gain) w = gamma p / gain */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    if (this.#deepinvCompat) return await Promise.resolve(this.#deepinvProxD(u, y, gamma));
    const gain = this.#gain, shift = gain * this.#bkg;
    using middle = u.add(shift - gamma / gain);
    using squares = middle.square();
    using counted = this.#counted(y);
    using discriminant = squares.addScaled(counted, 4 * gamma);
    using root = discriminant.sqrt();
    using twice = middle.add(root);
    using photons = twice.mul(0.5);
    return await Promise.resolve(photons.add(-shift));
  }

  /** As `DataFidelity.prox`. */
  override async prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor> {
    if (!this.#deepinvCompat) return await super.prox(x, y, physics, gamma);
    return await gradientProx(x, gamma, (z) => this.grad(z, y, physics));
  }

  #deepinvProxD(u: Tensor, y: Tensor, gamma: number): Tensor {
    const s = 1 / (this.#gain * gamma);
    using shifted = u.add(-s);
    using square = shifted.square();
    using counted = this.#counted(y);
    using discriminant = square.addScaled(counted, 4 / gamma);
    using root = discriminant.sqrt();
    using twice = u.addScaled(root, -s);
    return twice.mul(0.5);
  }

  #expected(u: Tensor): Tensor {
    using photons = u.mul(1 / this.#gain);
    return photons.add(this.#bkg);
  }

  #counted(y: Tensor): Tensor {
    return y.mul(this.#denormalize ? 1 / this.#gain : 1);
  }
}
