import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { DataFidelity } from "./data_fidelity.ts";

/** Options of {@link PoissonLikelihood}. */
export interface PoissonLikelihoodOptions {
  /** The image's units per photon, > 0; default 1. */
  gain?: number;
  /** Background photons per measurement, >= 0; default 0. */
  bkg?: number;
  /** Whether measurements come in the image's units rather than in photons, so that they are divided by the gain; default true. */
  denormalize?: boolean;
}

/** The least number of photons that is expected anywhere. */
const FLOOR = 1e-12;

/**
 * The negative log-likelihood of Poisson noise: with w = u / gain + bkg photons expected and p = y / gain counted,
 * d(u, y) = sum(w - p log w - bkg), up to what does not depend on u.
 *
 * deepinv's `PoissonLikelihood` with its gradient, its proximal operator and its sum per item corrected: the gradient is
 * (1 - p / w) / gain for every gain, and prox the minimiser.
 */
export class PoissonLikelihood extends DataFidelity {
  readonly #gain: number;
  readonly #bkg: number;
  readonly #denormalize: boolean;

  /**
   * Sets the units.
   *
   * @throws {InvalidArgumentError} when the gain is not positive or the background is negative
   */
  constructor({ gain = 1, bkg = 0, denormalize = true }: PoissonLikelihoodOptions = {}) {
    super();
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
  }

  /** sum(w - p log w - bkg), shape (B,) */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using expected = this.#expected(u);
    using floored = expected.maximum(FLOOR);
    using logarithm = floored.log();
    using counted = this.#counted(y);
    using information = logarithm.mul(counted);
    using loss = expected.sub(information);
    using terms = loss.add(-this.#bkg);
    return await Promise.resolve(terms.sum(otherDims(u)));
  }

  /** (1 - p / w) / gain */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using expected = this.#expected(u);
    using floored = expected.maximum(FLOOR);
    using counted = this.#counted(y);
    using ratio = counted.div(floored);
    using slope = ratio.mul(-1 / this.#gain);
    return await Promise.resolve(slope.add(1 / this.#gain));
  }

  /** gain (w - bkg) with w the positive root of gain w^2 - (u + gain bkg - gamma / gain) w = gamma p / gain */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
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

  #expected(u: Tensor): Tensor {
    using photons = u.mul(1 / this.#gain);
    return photons.add(this.#bkg);
  }

  #counted(y: Tensor): Tensor {
    return y.mul(this.#denormalize ? 1 / this.#gain : 1);
  }
}
