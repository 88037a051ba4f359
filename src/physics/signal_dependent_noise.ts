import type { Philox } from "../util/philox.ts";
import { ElementwiseNoise, requireNonNegative } from "./elementwise_noise.ts";
import type { NoiseLevel } from "./noise_level.ts";
import type { NoiseOptions } from "./noise_model.ts";
import { gamma } from "./random_draws.ts";

/**
 * Speckle: a Gamma number of shape l and mean y. Measurements must not be negative.
 *
 * @example Speckle of a radar image with four looks
 * ```ts
 * import assert from "node:assert/strict";
 * import { GammaNoise, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = await new GammaNoise({ l: 4, seed: 1 }).forward(Tensor.full([1, 1, 64, 64], 2));
 * assert.ok(Math.abs(await y.mean().item() - 2) < 0.05);
 * assert.ok(Math.abs(await y.sub(2).square().mean().item() - 2 ** 2 / 4) < 0.1); // y^2 / l
 * ```
 */
export class GammaNoise extends ElementwiseNoise {
  /**
   * Sets the level and the random stream.
   *
   * @param options.l shape > 0: the variance is y^2 / l; default 1
   * @throws {InvalidArgumentError} when l is not positive and finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { l?: NoiseLevel } = {}) {
    super([{ name: "l", level: options.l ?? 1, positive: true }], options);
  }

  /** y g / l, g a Gamma number of shape l */
  protected override draw(value: number, [l]: readonly number[], random: Philox): number {
    return requireNonNegative("add Gamma noise", value) * gamma(random, l) / l;
  }
}

/**
 * Speckle after the logarithm: the logarithm of {@link GammaNoise} of exp(y), that is y + ln(g / l).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   FisherTippettNoise,
 *   GammaNoise,
 *   openDevice,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.from([0.5, 1, 2]);
 * const y = await new FisherTippettNoise({ l: 4, seed: 1 }).forward(x.log());
 * const speckle = await new GammaNoise({ l: 4, seed: 1 }).forward(x); // the same draws, before the logarithm
 * assert.ok(await y.exp().sub(speckle).abs().max().item() < 1e-5);
 * ```
 */
export class FisherTippettNoise extends ElementwiseNoise {
  /**
   * Sets the level and the random stream.
   *
   * @param options.l shape > 0 of the Gamma numbers; default 1
   * @throws {InvalidArgumentError} when l is not positive and finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { l?: NoiseLevel } = {}) {
    super([{ name: "l", level: options.l ?? 1, positive: true }], options);
  }

  /** y + ln(g / l), g a Gamma number of shape l */
  protected override draw(value: number, [l]: readonly number[], random: Philox): number {
    return value + Math.log(gamma(random, l) / l);
  }
}

/**
 * The magnitude of a complex value with Gaussian noise: sqrt((y + sigma n1)^2 + (sigma n2)^2).
 *
 * @example The background of a magnitude MR image is not 0
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, RicianNoise, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = await new RicianNoise({ sigma: 0.1, seed: 1 }).forward(Tensor.zeros([1, 1, 64, 64]));
 * const expected = 0.1 * Math.sqrt(Math.PI / 2); // the mean of a Rayleigh variable
 * assert.ok(Math.abs(await y.mean().item() - expected) < 0.003);
 * ```
 */
export class RicianNoise extends ElementwiseNoise {
  /**
   * Sets the level and the random stream.
   *
   * @param options.sigma standard deviation of each part, >= 0; default 0.1
   * @throws {InvalidArgumentError} when sigma is negative or not finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { sigma?: NoiseLevel } = {}) {
    super([{ name: "sigma", level: options.sigma ?? 0.1 }], options);
  }

  /** sqrt((y + sigma n1)^2 + (sigma n2)^2) */
  protected override draw(value: number, [sigma]: readonly number[], random: Philox): number {
    return Math.hypot(value + sigma * random.normal(), sigma * random.normal());
  }
}

/**
 * Dead and saturated pixels: with probability p a value becomes 0, with probability s it becomes 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, SaltPepperNoise, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noise = new SaltPepperNoise({ p: 0.1, s: 0.2, seed: 1 });
 * const y = await noise.forward(Tensor.full([1, 1, 64, 64], 0.5));
 * const dead = await y.equal(0).mean().item(), saturated = await y.equal(1).mean().item();
 * assert.ok(Math.abs(dead - 0.1) < 0.02 && Math.abs(saturated - 0.2) < 0.02);
 * ```
 */
export class SaltPepperNoise extends ElementwiseNoise {
  /**
   * Sets the levels and the random stream.
   *
   * @param options.p probability of 0 (pepper), in [0, 1]; default 0.025
   * @param options.s probability of 1 (salt), in [0, 1]; p + s counts up to 1; default 0.025
   * @throws {InvalidArgumentError} when a probability is not in [0, 1], or the seed not a whole number
   */
  constructor(options: NoiseOptions & { p?: NoiseLevel; s?: NoiseLevel } = {}) {
    const { p = 0.025, s = 0.025 } = options;
    super([{ name: "p", level: p, max: 1 }, { name: "s", level: s, max: 1 }], options);
  }

  /** 1 for u < s, 0 for s <= u < s + p, else y */
  protected override draw(value: number, [p, s]: readonly number[], random: Philox): number {
    const u = random.uniform();
    return u < s ? 1 : u < s + p ? 0 : value;
  }
}
