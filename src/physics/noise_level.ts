import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** The strength of a noise: one number for all, or one value per batch item (B,). */
export type NoiseLevel = number | Tensor;

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

/**
 * Refuses a level that is neither a tensor nor a number in its range; a tensor's values are checked when they are used.
 *
 * @throws {InvalidArgumentError} with the range
 */
export function checkLevel(checked: CheckedLevel): void {
  if (!(checked.level instanceof Tensor)) checkValues(checked, [checked.level]);
}

/**
 * A level's values: one for all items, or one each.
 *
 * @throws {InvalidArgumentError} for another number of values, and for values out of its range
 */
export async function levelValues(checked: CheckedLevel, batch: number): Promise<ArrayLike<number>> {
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
  checkValues(checked, values);
  return values;
}

function checkValues(
  { name, min = 0, max = Number.MAX_VALUE, positive = false }: CheckedLevel,
  values: ArrayLike<number>,
): void {
  for (let k = 0; k < values.length; k++) {
    const value = values[k];
    if (typeof value === "number" && value >= min && value <= max && !(positive && value === min)) continue;
    const upper = max === Number.MAX_VALUE ? "a finite number" : `a number <= ${max}`;
    throw new InvalidArgumentError(
      "add noise",
      name,
      `${upper} and ${positive ? ">" : ">="} ${min}`,
      String(value),
    );
  }
}
