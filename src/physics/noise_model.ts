import { generatorFor } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";
import { namesOf, requireKnown, Updatable, updateEach } from "./updatable.ts";

/** What every noise model's constructor accepts. */
export interface NoiseOptions {
  /**
   * A whole number: a random stream of its own, which successive calls continue; without it the shared, context-seeded
   * one.
   */
  seed?: number;
}

/** What one call of a noise model accepts. */
export interface DrawOptions {
  /** A whole number: this call's values depend on it alone, and the model's own stream stays where it is. */
  readonly seed?: number;
  /** Levels by name, which the model keeps from now on. */
  readonly [level: string]: unknown;
}

/**
 * A random map from clean to noisy measurements.
 *
 * Random numbers come from Philox4x32-10, a counter-based generator, in float64 on the host: for one seed (and one position
 * in the stream) they are the same on every device, every platform and every rank.
 *
 * @example A noise of one's own: every row of the detector has an offset
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, NoiseModel, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * class RowNoise extends NoiseModel {
 *   constructor(readonly options: { sigma: number; seed?: number }) {
 *     super(options);
 *   }
 *   override forward(y: Tensor, options = {}): Promise<Tensor> {
 *     const rows = new Float32Array(y.shape[2]);
 *     this.prepare(options).fillNormal(rows);
 *     using offsets = Tensor.from(
 *       rows.map((value) => this.options.sigma * value),
 *       [1, 1, rows.length, 1],
 *       y,
 *     );
 *     return Promise.resolve(y.add(offsets));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Denoising({ noiseModel: new RowNoise({ sigma: 0.2, seed: 1 }) });
 * const y = await (await physics.forward(Tensor.zeros([1, 1, 4, 3]))).data();
 * assert.ok(y[0] !== 0 && y[0] === y[1] && y[0] !== y[3]);
 * ```
 */
export abstract class NoiseModel extends Updatable {
  #generator: Philox | undefined;

  /**
   * Sets the random stream.
   *
   * @param options hand on all of the subclass's options, for `clone`
   * @throws {InvalidArgumentError} when the seed is not a whole number
   */
  constructor(options?: NoiseOptions) {
    super(options);
    this.#generator = options?.seed === undefined ? undefined : generatorFor(options.seed);
  }

  /**
   * A noisy copy of y.
   *
   * @param y (B, ...), left alone
   * @param options `seed` for this call's values alone, and levels by name that the model keeps from now on
   * @returns of y's shape
   * @throws {InvalidArgumentError} for unknown or wrong levels, and a seed that is not a whole number
   */
  abstract forward(y: Tensor, options?: DrawOptions): Promise<Tensor>;

  /**
   * Both noises, the other one first: x -> this(other(x)).
   *
   * @throws {InvalidArgumentError} when the other one is no noise model
   */
  mul(other: NoiseModel): NoiseModel {
    return new ComposedNoise([other, this]);
  }

  /** A copy of its own that goes on with the random stream as this one would; see {@link Updatable.clone}. */
  override clone(): this {
    const copy = super.clone();
    copy.#generator = this.#generator?.clone();
    return copy;
  }

  /**
   * A copy whose random numbers are independent of this one's: where the model has a seed of its own, the copy draws from
   * another stream of it.
   *
   * @param stream number of the stream, a whole number >= 1
   */
  fork(stream: number): this {
    const copy = this.clone();
    copy.#generator = this.#generator?.fork(stream);
    return copy;
  }

  /**
   * Keeps the levels that a call names, and gives the generator that it draws from: its own seed's, the model's, or the
   * shared one.
   *
   * @throws {InvalidArgumentError} for unknown levels, and for a seed that is not a whole number
   */
  protected prepare({ seed, ...levels }: DrawOptions): Philox {
    this.update(levels);
    return seed === undefined ? this.#generator ?? generatorFor() : generatorFor(seed);
  }
}

/**
 * Several noises, one after the other.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   ComposedNoise,
 *   GaussianNoise,
 *   openDevice,
 *   PoissonNoise,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const photons = new PoissonNoise({ gain: 0.1, seed: 1 }),
 *   readOut = new GaussianNoise({ sigma: 0.2, seed: 2 });
 * const camera = new ComposedNoise([photons, readOut]); // the same as readOut.mul(photons)
 * const y = await camera.forward(Tensor.full([1, 1, 64, 64], 2));
 * const variance = await y.sub(2).square().mean().item();
 * assert.ok(Math.abs(variance - (0.1 * 2 + 0.2 ** 2)) < 0.02);
 *
 * camera.update({ sigma: 0 }); // reaches the noise that knows the name
 * assert.equal(readOut.sigma, 0);
 * ```
 */
export class ComposedNoise extends NoiseModel {
  readonly #models: readonly NoiseModel[];

  /**
   * Composes noises; compositions among them are taken apart.
   *
   * @param models the one that acts first comes first
   * @throws {InvalidArgumentError} for an empty list, and for entries that are no noise model
   */
  constructor(models: readonly NoiseModel[]) {
    super();
    for (const model of models) {
      if (model instanceof NoiseModel) continue;
      throw new InvalidArgumentError("compose noises", "every entry", "a NoiseModel", String(model));
    }
    if (models.length === 0) {
      throw new InvalidArgumentError("compose noises", "the list", "of at least one noise model", "none");
    }
    this.#models = models.flatMap((model) => model instanceof ComposedNoise ? model.#models : [model]);
  }

  /** Each noise in turn; with a seed, noise i draws with seed + i. */
  override async forward(y: Tensor, { seed, ...levels }: DrawOptions = {}): Promise<Tensor> {
    this.update(levels);
    let noisy = y.clone();
    for (const [i, model] of this.#models.entries()) {
      using before = noisy;
      const after = await model.forward(before, seed === undefined ? {} : { seed: seed + i });
      noisy = after === before ? before.clone() : after;
    }
    return noisy;
  }

  /** The names that at least one of the noises knows. */
  override get parameterNames(): readonly string[] {
    return namesOf(this.#models);
  }

  /** Replaces levels in every noise that knows them. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    updateEach(this.#models, parameters);
  }

  /** Every noise with a stream of its own. */
  override fork(stream: number): this {
    return new ComposedNoise(this.#models.map((model) => model.fork(stream))) as this;
  }

  /** Copies of all noises. */
  override clone(): this {
    return new ComposedNoise(this.#models.map((model) => model.clone())) as this;
  }
}
