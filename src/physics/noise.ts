import { generatorFor } from "../tensor/random.ts";
import { perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";

/** A random map from clean to noisy measurements. */
export abstract class NoiseModel {
  /** A noisy copy of y. */
  abstract forward(y: Tensor): Promise<Tensor>;
}

/** Additive white Gaussian noise: y + sigma n, n ~ N(0, 1). */
export class GaussianNoise extends NoiseModel {
  /** Standard deviation: a number, or one value per batch item (B,). */
  readonly sigma: number | Tensor;
  readonly #generator: Philox | undefined;

  /**
   * Sets the level and the random stream.
   *
   * @param options.sigma standard deviation >= 0, or a tensor (B,); default 0.1
   * @param options.seed a whole number: a random stream of its own, which successive calls continue; without it the shared, context-seeded one
   * @throws {InvalidArgumentError} when sigma is negative or not finite, or the seed not a whole number
   */
  constructor(options: { sigma?: number | Tensor; seed?: number } = {}) {
    super();
    const { sigma = 0.1, seed } = options;
    if (!(sigma instanceof Tensor) && !(sigma >= 0 && sigma < Infinity)) {
      throw new InvalidArgumentError("build GaussianNoise", "sigma", "a finite number >= 0", String(sigma));
    }
    this.sigma = sigma;
    this.#generator = seed === undefined ? undefined : generatorFor(seed);
  }

  /**
   * y + sigma n
   *
   * @throws {InvalidArgumentError} when sigma does not have one value per item
   */
  override async forward(y: Tensor): Promise<Tensor> {
    const values = new Float32Array(y.numel);
    (this.#generator ?? generatorFor()).fillNormal(values);
    using noise = Tensor.from(values, y.shape, y);
    if (typeof this.sigma === "number") return await Promise.resolve(y.addScaled(noise, this.sigma));
    using shaped = perItem(this.sigma, y, "add noise", "sigma");
    using scaled = noise.mul(shaped);
    return y.add(scaled);
  }
}
