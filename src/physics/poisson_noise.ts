import type { Philox } from "../util/philox.ts";
import { ElementwiseNoise, requireNonNegative } from "./elementwise_noise.ts";
import type { NoiseLevel } from "./noise_level.ts";
import type { NoiseOptions } from "./noise_model.ts";
import { poisson } from "./random_draws.ts";

/** Options of {@link PoissonNoise}. */
export interface PoissonNoiseOptions extends NoiseOptions {
  /** Measured value per photon, > 0; default 1. */
  gain?: NoiseLevel;
  /** Whether photon counts are multiplied by the gain again; default true. */
  normalize?: boolean;
  /** Whether negative measurements count as 0 instead of being refused; default false. */
  clipPositive?: boolean;
}

/** Options of {@link PoissonGaussianNoise}. */
export interface PoissonGaussianNoiseOptions extends NoiseOptions {
  /** Measured value per photon, >= 0; values below 1e-12 count as 1e-12. Default 1. */
  gain?: NoiseLevel;
  /** Standard deviation of the Gaussian part, >= 0; default 0.1. */
  sigma?: NoiseLevel;
  /** Whether negative measurements count as 0 instead of being refused; default false. */
  clipPositive?: boolean;
}

/** Options of {@link LogPoissonNoise}. */
export interface LogPoissonNoiseOptions extends NoiseOptions {
  /** Photons of an unattenuated ray, > 0; default 1024. */
  N0?: NoiseLevel;
  /** Attenuation per unit, > 0; default 1/50. */
  mu?: NoiseLevel;
}

const SMALLEST_GAIN = 1e-12;

/**
 * Photon noise: gain P(y / gain), P(m) a Poisson number of mean m. Measurements must not be negative.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, PoissonNoise, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noise = new PoissonNoise({ gain: 0.25, seed: 1 });
 * const y = await noise.forward(Tensor.full([1, 1, 64, 64], 2));
 * assert.ok((await y.data()).every((value) => Number.isInteger(value / 0.25))); // whole photons
 * assert.ok(Math.abs(await y.sub(2).square().mean().item() - 0.25 * 2) < 0.03); // variance gain y
 * await assert.rejects(noise.forward(Tensor.from([-1])), { name: "InvalidArgumentError" });
 * ```
 */
export class PoissonNoise extends ElementwiseNoise {
  readonly #normalize: boolean;
  readonly #clip: boolean;

  /**
   * Sets the gain and the random stream.
   *
   * @throws {InvalidArgumentError} when the gain is not positive and finite, or the seed not a whole number
   */
  constructor(options: PoissonNoiseOptions = {}) {
    const { gain = 1, normalize = true, clipPositive = false } = options;
    super([{ name: "gain", level: gain, positive: true }], options);
    this.#normalize = normalize;
    this.#clip = clipPositive;
  }

  /** gain P(y / gain), without `normalize` P(y / gain) */
  protected override draw(value: number, [gain]: readonly number[], random: Philox): number {
    const clean = this.#clip ? Math.max(value, 0) : requireNonNegative("add Poisson noise", value);
    const photons = poisson(random, clean / gain);
    return this.#normalize ? gain * photons : photons;
  }
}

/**
 * Photon noise and read-out noise: gain P(y / gain) + sigma n, n ~ N(0, 1). Measurements must not be negative.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, PoissonGaussianNoise, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noise = new PoissonGaussianNoise({ gain: 0.1, sigma: 0.2, clipPositive: true, seed: 1 });
 * const y = await noise.forward(Tensor.full([1, 1, 64, 64], 3));
 * const variance = await y.sub(3).square().mean().item();
 * assert.ok(Math.abs(variance - (0.1 * 3 + 0.2 ** 2)) < 0.02);
 * ```
 */
export class PoissonGaussianNoise extends ElementwiseNoise {
  readonly #clip: boolean;

  /**
   * Sets the levels and the random stream.
   *
   * @throws {InvalidArgumentError} when a level is negative or not finite, or the seed not a whole number
   */
  constructor(options: PoissonGaussianNoiseOptions = {}) {
    const { gain = 1, sigma = 0.1, clipPositive = false } = options;
    super([{ name: "gain", level: gain }, { name: "sigma", level: sigma }], options);
    this.#clip = clipPositive;
  }

  /** gain P(y / gain) + sigma n */
  protected override draw(value: number, [gain, sigma]: readonly number[], random: Philox): number {
    const clean = this.#clip ? Math.max(value, 0) : requireNonNegative("add Poisson-Gaussian noise", value);
    const scale = Math.max(gain, SMALLEST_GAIN);
    return scale * poisson(random, clean / scale) + sigma * random.normal();
  }
}

/**
 * Photon noise of a transmission measurement after the logarithm: -ln(P(N0 exp(-mu y)) / N0) / mu. Infinite where no
 * photon arrives.
 *
 * @example Low-dose tomography
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   LogPoissonNoise,
 *   openDevice,
 *   setDefaultDevice,
 *   sheppLogan,
 *   Tomography,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noiseModel = new LogPoissonNoise({ N0: 1e5, mu: 1 / 50, seed: 1 });
 * const scan = new Tomography({ angles: 20, imgWidth: 32, normalize: false, noiseModel });
 * const x = sheppLogan(32);
 * const clean = await scan.A(x), y = await scan.forward(x);
 * // Few photons are lost here: the deviation is about 1 / (mu sqrt(N0)).
 * const deviation = Math.sqrt(await y.sub(clean).square().mean().item());
 * assert.ok(deviation > 0.14 && deviation < 0.2);
 * ```
 */
export class LogPoissonNoise extends ElementwiseNoise {
  /**
   * Sets the levels and the random stream.
   *
   * @throws {InvalidArgumentError} when a level is not positive and finite, or the seed not a whole number
   */
  constructor(options: LogPoissonNoiseOptions = {}) {
    const { N0 = 1024, mu = 1 / 50 } = options;
    super([{ name: "N0", level: N0, positive: true }, { name: "mu", level: mu, positive: true }], options);
  }

  /** -ln(P(N0 exp(-mu y)) / N0) / mu */
  protected override draw(value: number, [N0, mu]: readonly number[], random: Philox): number {
    return -Math.log(poisson(random, N0 * Math.exp(-mu * value)) / N0) / mu;
  }
}
