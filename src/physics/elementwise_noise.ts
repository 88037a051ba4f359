import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";
import { type CheckedLevel, checkLevel, levelValues, type NoiseLevel } from "./noise_level.ts";
import { type DrawOptions, NoiseModel, type NoiseOptions } from "./noise_model.ts";
import type { Setters } from "./updatable.ts";

/** Words of the random stream set aside for each value, more than any draw takes in practice. */
const WORDS_PER_VALUE = 64;

/**
 * Noise that acts on each value by itself. Value k of a call draws from its own stretch of the Philox stream, so that
 * what it becomes depends on the seed, on how many values came before it, and on itself: the same on every device, and
 * however many random words its neighbours took.
 *
 * @example Multiplicative noise
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   ElementwiseNoise,
 *   type NoiseLevel,
 *   openDevice,
 *   type Philox,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * class MultiplicativeNoise extends ElementwiseNoise {
 *   constructor(options: { s?: NoiseLevel; seed?: number } = {}) {
 *     super([{ name: "s", level: options.s ?? 0.1 }], options);
 *   }
 *   protected override draw(value: number, [s]: readonly number[], random: Philox): number {
 *     return value * (1 + s * random.normal());
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noise = new MultiplicativeNoise({ s: 0.5, seed: 1 });
 * const [dark, bright] = await (await noise.forward(Tensor.from([0, 10]))).data();
 * assert.ok(dark === 0 && bright !== 10);
 * noise.update({ s: 0 });
 * assert.deepEqual(await (await noise.forward(Tensor.from([1, 2]))).data(), Float32Array.of(1, 2));
 * ```
 */
export abstract class ElementwiseNoise extends NoiseModel {
  readonly #levels: CheckedLevel[];

  /**
   * Sets the levels and the random stream.
   *
   * @param options the subclass's options
   * @throws {InvalidArgumentError} when a level is out of its range, or the seed not a whole number
   */
  constructor(levels: readonly CheckedLevel[], options: NoiseOptions) {
    super(options);
    levels.forEach(checkLevel);
    this.#levels = [...levels];
  }

  /** The noisy value of a clean one, with its item's levels in the constructor's order. */
  protected abstract draw(value: number, levels: readonly number[], random: Philox): number;

  /**
   * A noisy copy of y.
   *
   * @throws {InvalidArgumentError} when a level has not one value per item or is out of its range, and for values that
   * the noise is not defined for
   */
  override async forward(y: Tensor, options: DrawOptions = {}): Promise<Tensor> {
    const random = this.prepare(options);
    const batch = y.shape[0] ?? 1;
    const levels = await Promise.all(this.#levels.map((level) => levelValues(level, batch)));
    const values = await y.data();
    const begin = random.position;
    const perItem = values.length / batch;
    for (let item = 0, k = 0; item < batch; item++) {
      const own = levels.map((level) => level[level.length > 1 ? item : 0]);
      for (const end = (item + 1) * perItem; k < end; k++) {
        random.seek(begin + k * WORDS_PER_VALUE);
        values[k] = this.draw(values[k], own, random);
      }
    }
    random.seek(begin + values.length * WORDS_PER_VALUE);
    return Tensor.from(values, y.shape, y);
  }

  /** All levels. */
  protected override setters(): Setters {
    return Object.fromEntries(
      this.#levels.map(({ name }, i) => [name, (value: unknown) => {
        const changed = { ...this.#levels[i], level: value as NoiseLevel };
        checkLevel(changed);
        this.#levels[i] = changed;
      }]),
    );
  }
}

/**
 * A value that must not be negative.
 *
 * @throws {InvalidArgumentError} when it is, or is NaN
 */
export function requireNonNegative(action: string, value: number): number {
  if (value >= 0) return value;
  throw new InvalidArgumentError(action, "the measurements", ">= 0 everywhere", String(value));
}
