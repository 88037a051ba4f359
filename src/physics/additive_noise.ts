import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";
import { ElementwiseNoise } from "./elementwise_noise.ts";
import { GaussianNoise } from "./noise.ts";
import type { NoiseLevel } from "./noise_level.ts";
import { type DrawOptions, NoiseModel, type NoiseOptions } from "./noise_model.ts";
import { laplace } from "./random_draws.ts";
import type { Setters } from "./updatable.ts";

/**
 * Additive uniform noise: y + u, u uniform in [-a, a).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, UniformNoise } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noise = new UniformNoise({ a: 0.5, seed: 1 });
 * const y = await noise.forward(Tensor.ones([1, 1, 64, 64]));
 * const [low, high] = [await y.min().item(), await y.max().item()];
 * assert.ok(low >= 0.5 && low < 0.51 && high > 1.49 && high <= 1.5);
 * ```
 */
export class UniformNoise extends ElementwiseNoise {
  /**
   * Sets the level and the random stream.
   *
   * @param options.a half the width, >= 0; default 0.1
   * @throws {InvalidArgumentError} when a is negative or not finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { a?: NoiseLevel } = {}) {
    super([{ name: "a", level: options.a ?? 0.1 }], options);
  }

  /** y + a (2 u - 1) */
  protected override draw(value: number, [a]: readonly number[], random: Philox): number {
    return value + a * (2 * random.uniform() - 1);
  }
}

/**
 * Additive Laplace noise: y + b l, with density exp(-|l|) / 2; its standard deviation is sqrt(2) b.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { LaplaceNoise, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = await new LaplaceNoise({ b: 0.2, seed: 1 }).forward(Tensor.ones([1, 1, 64, 64]));
 * const error = y.sub(1);
 * assert.ok(Math.abs(await error.abs().mean().item() - 0.2) < 0.01); // E |b l| = b
 * assert.ok(Math.abs(await error.square().mean().item() - 2 * 0.2 ** 2) < 0.01);
 * ```
 */
export class LaplaceNoise extends ElementwiseNoise {
  /**
   * Sets the level and the random stream.
   *
   * @param options.b scale >= 0; default 0.1
   * @throws {InvalidArgumentError} when b is negative or not finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { b?: NoiseLevel } = {}) {
    super([{ name: "b", level: options.b ?? 0.1 }], options);
  }

  /** y + b l */
  protected override draw(value: number, [b]: readonly number[], random: Philox): number {
    return value + b * laplace(random);
  }
}

/**
 * Additive Gaussian noise whose standard deviation is itself uniform in [sigmaMin, sigmaMax), one draw per item.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, UniformGaussianNoise } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noise = new UniformGaussianNoise({ sigmaMin: 0.1, sigmaMax: 0.3, seed: 1 });
 * const y = await noise.forward(Tensor.zeros([4, 1, 32, 32])); // four images, four noise levels
 * const variances = await y.square().mean([1, 2, 3]).data();
 * assert.ok(variances.every((variance) => variance > 0.09 ** 2 && variance < 0.31 ** 2));
 * assert.equal(new Set(variances).size, 4);
 * ```
 */
export class UniformGaussianNoise extends NoiseModel {
  #sigmaMin: number;
  #sigmaMax: number;

  /**
   * Sets the range and the random stream.
   *
   * @param options.sigmaMin >= 0; default 0
   * @param options.sigmaMax >= sigmaMin; default 0.5
   * @param options.seed a whole number: a random stream of its own, which successive calls continue
   * @throws {InvalidArgumentError} when the range is empty, negative or not finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { sigmaMin?: number; sigmaMax?: number } = {}) {
    super(options);
    const { sigmaMin = 0, sigmaMax = 0.5 } = options;
    requireRange(sigmaMin, sigmaMax);
    this.#sigmaMin = sigmaMin;
    this.#sigmaMax = sigmaMax;
  }

  /** Smallest standard deviation. */
  get sigmaMin(): number {
    return this.#sigmaMin;
  }

  /** Largest standard deviation. */
  get sigmaMax(): number {
    return this.#sigmaMax;
  }

  /** y + sigma n, sigma ~ U(sigmaMin, sigmaMax) per item, n ~ N(0, 1) */
  override async forward(y: Tensor, options: DrawOptions = {}): Promise<Tensor> {
    const random = this.prepare(options);
    const levels = Array.from(
      { length: y.shape[0] ?? 1 },
      () => this.#sigmaMin + (this.#sigmaMax - this.#sigmaMin) * random.uniform(),
    );
    using sigma = Tensor.from(levels, [levels.length], y);
    const seed = random.nextUint32();
    return await new GaussianNoise({ sigma, seed }).forward(y);
  }

  /** `sigmaMin` and `sigmaMax`, kept in order by `update` as a whole. */
  protected override setters(): Setters {
    return {
      sigmaMin: (value) => this.#sigmaMin = value as number,
      sigmaMax: (value) => this.#sigmaMax = value as number,
    };
  }

  /** Replaces the range, or one end of it; see {@link NoiseModel.update}. */
  override update(parameters: object): void {
    const { sigmaMin = this.#sigmaMin, sigmaMax = this.#sigmaMax } = parameters as Record<string, number>;
    requireRange(sigmaMin, sigmaMax);
    super.update(parameters);
  }
}

function requireRange(sigmaMin: number, sigmaMax: number): void {
  if (sigmaMin >= 0 && sigmaMin <= sigmaMax && sigmaMax < Infinity) return;
  throw new InvalidArgumentError(
    "build UniformGaussianNoise",
    "sigmaMin and sigmaMax",
    "finite, 0 <= sigmaMin <= sigmaMax",
    `${sigmaMin} and ${sigmaMax}`,
  );
}
