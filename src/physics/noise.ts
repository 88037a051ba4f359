import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { checkLevel, levelValues, type NoiseLevel } from "./noise_level.ts";
import { type DrawOptions, NoiseModel, type NoiseOptions } from "./noise_model.ts";
import type { Setters } from "./updatable.ts";

/**
 * Additive white Gaussian noise: y + sigma n, n ~ N(0, 1).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   gaussianBlur,
 *   GaussianNoise,
 *   openDevice,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noiseModel = new GaussianNoise({ sigma: 0.1, seed: 1 });
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular", noiseModel });
 * const x = Tensor.full([1, 1, 64, 64], 0.5);
 * const error = (await blur.forward(x)).sub(await blur.A(x));
 * assert.ok(Math.abs(await error.square().mean().item() - 0.1 ** 2) < 1e-3);
 *
 * const same = await blur.forward(x, { seed: 7 }); // a function of this seed
 * assert.deepEqual(await same.data(), await (await blur.forward(x, { seed: 7 })).data());
 * assert.equal(new GaussianNoise({ sigma: 0.3 }).add(new GaussianNoise({ sigma: 0.4 })).sigma, 0.5);
 * ```
 */
export class GaussianNoise extends NoiseModel {
  #sigma: NoiseLevel;

  /**
   * Sets the level and the random stream.
   *
   * @param options.sigma standard deviation >= 0, or a tensor (B,); default 0.1
   * @param options.seed a whole number: a random stream of its own, which successive calls continue; without it the shared, context-seeded one
   * @throws {InvalidArgumentError} when sigma is negative or not finite, or the seed not a whole number
   */
  constructor(options: NoiseOptions & { sigma?: NoiseLevel } = {}) {
    super(options);
    const { sigma = 0.1 } = options;
    checkLevel({ name: "sigma", level: sigma });
    this.#sigma = sigma;
  }

  /** Standard deviation: a number, or one value per batch item (B,). */
  get sigma(): NoiseLevel {
    return this.#sigma;
  }

  /**
   * y + sigma n, with sigma n rounded to float32 before it is added, on every device alike.
   *
   * @throws {InvalidArgumentError} when sigma does not have one value per item
   */
  override async forward(y: Tensor, options: DrawOptions = {}): Promise<Tensor> {
    const random = this.prepare(options);
    const batch = y.shape[0] ?? 1;
    const sigma = await levelValues({ name: "sigma", level: this.#sigma }, batch);
    const values = new Float32Array(y.numel);
    random.fillNormal(values);
    const perItem = values.length / batch;
    for (let k = 0; k < values.length; k++) {
      values[k] *= sigma.length > 1 ? sigma[Math.floor(k / perItem)] : sigma[0];
    }
    using noise = Tensor.from(values, y.shape, y);
    return y.add(noise);
  }

  /**
   * The sum of this noise and another Gaussian one, itself Gaussian: sigma = sqrt(sigma_1^2 + sigma_2^2). It draws from the
   * shared random stream.
   *
   * @param options.seed gives the sum a random stream of its own
   * @throws {InvalidArgumentError} when the other one is no GaussianNoise, or both have levels for different batches
   */
  add(other: GaussianNoise, options: NoiseOptions = {}): GaussianNoise {
    if (!(other instanceof GaussianNoise)) {
      throw new InvalidArgumentError("add noises", "the other one", "a GaussianNoise", String(other));
    }
    return new GaussianNoise({ ...options, sigma: rootSumOfSquares(this.#sigma, other.#sigma) });
  }

  /** `sigma`. */
  protected override setters(): Setters {
    return {
      sigma: (value) => {
        const level = value as NoiseLevel;
        checkLevel({ name: "sigma", level });
        this.#sigma = level;
      },
    };
  }
}

function rootSumOfSquares(a: NoiseLevel, b: NoiseLevel): NoiseLevel {
  if (typeof a === "number") {
    return typeof b === "number" ? Math.hypot(a, b) : rootSumOfSquares(b, a);
  }
  using left = a.square();
  using right = typeof b === "number" ? undefined : b.square();
  using sum = left.add(right ?? (b as number) ** 2);
  return sum.sqrt();
}
