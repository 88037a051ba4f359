import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { DataFidelity } from "./data_fidelity.ts";

/** Newton steps of the proximal operator. */
const STEPS = 25;

/**
 * The negative log-likelihood of log-Poisson noise, as in X-ray tomography (`LogPoissonNoise` with the same N0 and mu):
 * d(u, y) = sum(N0 e^(-mu u) + N0 mu u e^(-mu y)).
 *
 * @example A scan with few photons
 * ```ts
 * import assert from "node:assert/strict";
 * import { GD, LogPoissonLikelihood, LogPoissonNoise, openDevice } from "@deepinv/distributed";
 * import { setDefaultDevice, sheppLogan, Tikhonov, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const scanner = { N0: 1000, mu: 0.1 }; // photons of each ray, attenuation per unit of A(x)
 * const noiseModel = new LogPoissonNoise({ ...scanner, seed: 1 });
 * const physics = new Tomography({ angles: 30, imgWidth: 16, normalize: false, noiseModel });
 * const image = sheppLogan(16);
 * const y = await physics.forward(image);
 * const dataFidelity = new LogPoissonLikelihood(scanner);
 * const algorithm = new GD({ dataFidelity, prior: new Tikhonov(), stepsize: 1e-4, maxIter: 15 });
 * const { metrics } = await algorithm.run(y, physics, { init: await physics.fbp(y), xGt: image });
 * const [cost] = metrics.cost, [psnr] = metrics.psnr;
 * assert(cost[14] < cost[0]);
 * assert(psnr[15] > psnr[0]); // better than the filtered back-projection
 * ```
 */
export class LogPoissonLikelihood extends DataFidelity {
  readonly #photons: number;
  readonly #mu: number;

  /**
   * Sets the units.
   *
   * @param options.N0 mean number of photons without an object, > 0; default 1024
   * @param options.mu attenuation per unit of u, > 0; default 1 / 50
   * @throws {InvalidArgumentError} when one of them is not positive and finite
   */
  constructor({ N0 = 1024, mu = 1 / 50 }: { N0?: number; mu?: number } = {}) {
    super();
    for (const [name, value] of [["N0", N0], ["mu", mu]] as const) {
      if (!(value > 0 && value < Infinity)) {
        throw new InvalidArgumentError("build LogPoissonLikelihood", name, "finite and > 0", String(value));
      }
    }
    this.#photons = N0;
    this.#mu = mu;
  }

  /** sum(N0 e^(-mu u) + N0 mu u e^(-mu y)), shape (B,) */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using expected = this.#expected(u);
    using counted = this.#expected(y);
    using product = counted.mul(u);
    using terms = expected.addScaled(product, this.#mu);
    return await Promise.resolve(terms.sum(otherDims(u)));
  }

  /** N0 mu (e^(-mu y) - e^(-mu u)) */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using expected = this.#expected(u);
    using counted = this.#expected(y);
    using gap = counted.sub(expected);
    return await Promise.resolve(gap.mul(this.#mu));
  }

  /**
   * The root v of v - u + gamma N0 mu (e^(-mu y) - e^(-mu v)), which lies between u and y, by Newton's method from the
   * smaller of them: the function is concave, so that the steps never go beyond the root.
   */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    using counted = this.#expected(y);
    const weight = gamma * this.#mu;
    let v = u.minimum(y);
    for (let k = 0; k < STEPS; k++) {
      using previous = v;
      using expected = this.#expected(previous);
      using gap = counted.sub(expected);
      using distance = previous.sub(u);
      using value = distance.addScaled(gap, weight);
      using steep = expected.mul(weight * this.#mu);
      using slope = steep.add(1);
      using step = value.div(slope);
      v = previous.sub(step);
    }
    return await Promise.resolve(v);
  }

  /** N0 e^(-mu u) */
  #expected(u: Tensor): Tensor {
    using exponent = u.mul(-this.#mu);
    using share = exponent.exp();
    return share.mul(this.#photons);
  }
}
