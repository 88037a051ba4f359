import { generatorFor } from "../tensor/random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";
import { NoiseModel } from "./noise.ts";

/** The strength of a noise: one number for all, or one value per batch item (B,). */
export type NoiseLevel = number | Tensor;

/** What every such noise model's constructor accepts. */
export interface NoiseOptions {
  /**
   * A whole number: a random stream of its own, which successive calls continue; without it the shared, context-seeded
   * one.
   */
  seed?: number;
}

/** A level with the values it may take. */
export interface CheckedLevel {
  /** The option's name. */
  readonly name: string;
  /** The level. */
  readonly level: NoiseLevel;
  /** Smallest value; default 0. */
  readonly min?: number;
  /** Largest value; by default any finite one. */
  readonly max?: number;
  /** Whether the smallest value itself is excluded; default false. */
  readonly positive?: boolean;
}

/** Words of the random stream set aside for each value, more than any draw takes in practice. */
const WORDS_PER_VALUE = 64;

/**
 * Noise that acts on each value by itself. Value k of a call draws from its own stretch of the Philox stream, so that
 * what it becomes depends on the seed, on how many values came before it, and on itself: the same on every device, and
 * however many random words its neighbours took.
 */
export abstract class ElementwiseNoise extends NoiseModel {
  readonly #generator: Philox | undefined;
  readonly #levels: readonly CheckedLevel[];

  /**
   * Sets the levels and the random stream.
   *
   * @throws {InvalidArgumentError} when a level is out of its range, or the seed not a whole number
   */
  constructor(levels: readonly CheckedLevel[], { seed }: NoiseOptions) {
    super();
    this.#levels = levels;
    for (const level of levels) {
      if (!(level.level instanceof Tensor)) this.#checkLevel(level, [level.level]);
    }
    this.#generator = seed === undefined ? undefined : generatorFor(seed);
  }

  /** The noisy value of a clean one, with its item's levels in the constructor's order. */
  protected abstract draw(value: number, levels: readonly number[], random: Philox): number;

  /**
   * A noisy copy of y.
   *
   * @throws {InvalidArgumentError} when a level has not one value per item or is out of its range, and for values that
   * the noise is not defined for
   */
  override async forward(y: Tensor): Promise<Tensor> {
    const batch = y.shape[0] ?? 1;
    const levels = await Promise.all(this.#levels.map((level) => this.#valuesOf(level, batch)));
    const values = await y.data();
    const random = this.#generator ?? generatorFor();
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

  async #valuesOf(checked: CheckedLevel, batch: number): Promise<ArrayLike<number>> {
    const { name, level } = checked;
    if (!(level instanceof Tensor)) return [level];
    if (level.numel !== 1 && level.numel !== batch) {
      throw new InvalidArgumentError(
        "add noise",
        name,
        `a number or one value per item (${batch},)`,
        formatShape(level.shape),
      );
    }
    const values = await level.data();
    this.#checkLevel(checked, values);
    return values;
  }

  #checkLevel(checked: CheckedLevel, values: ArrayLike<number>): void {
    const { name, min = 0, max = Number.MAX_VALUE, positive = false } = checked;
    for (let k = 0; k < values.length; k++) {
      const value = values[k];
      if (value >= min && value <= max && !(positive && value === min)) continue;
      const upper = max === Number.MAX_VALUE ? "a finite number" : `a number <= ${max}`;
      throw new InvalidArgumentError(
        "add noise",
        name,
        `${upper} and ${positive ? ">" : ">="} ${min}`,
        String(value),
      );
    }
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
