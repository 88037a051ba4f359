import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { numelOf } from "./array.ts";

/** Numbers nested to any depth, every level of equal length: `[[1, 2], [3, 4]]` has shape (2, 2). */
export type Nested = number | readonly Nested[];

/** Anything a tensor can be made from. */
export type TensorData = ArrayLike<number> | Nested;

/**
 * Flattens data to float32 and finds its shape. A Float32Array is handed through, not copied.
 *
 * @param shape the shape wanted; by default the nesting's own, or (length) for flat data
 * @throws {InvalidArgumentError} when the nesting is ragged, an entry is not a number, or the number of values does not
 * fit the shape
 */
export function flatten(
  data: TensorData,
  shape?: readonly number[],
): { values: Float32Array; shape: number[] } {
  const own = shapeOf(data);
  const values = valuesOf(data, own);
  const wanted = shape ? [...shape] : own;
  if (values.length !== numelOf(wanted)) {
    throw new InvalidArgumentError(
      "make a tensor",
      "data",
      `${numelOf(wanted)} values for shape ${formatShape(wanted)}`,
      `${values.length} values`,
    );
  }
  return { values, shape: wanted };
}

/** The extents of the first entries, level by level. */
function shapeOf(data: TensorData): number[] {
  const shape: number[] = [];
  let level: TensorData = data;
  while (typeof level === "object" && level !== null) {
    shape.push(level.length);
    if (level.length === 0) break;
    level = level[0];
  }
  return shape;
}

function valuesOf(data: TensorData, shape: readonly number[]): Float32Array {
  if (data instanceof Float32Array) return data;
  const values = new Float32Array(numelOf(shape));
  if (data instanceof Float64Array) {
    values.set(data);
    return values;
  }
  let at = 0;
  const walk = (level: TensorData, depth: number): void => {
    if (depth === shape.length && typeof level === "number") {
      values[at++] = level;
    } else if (typeof level === "object" && level !== null && level.length === shape[depth]) {
      for (let i = 0; i < level.length; i++) walk(level[i], depth + 1);
    } else {
      const requirement = "numbers, nested with equal lengths at every level";
      const got = depth < shape.length ? "ragged data" : String(level);
      throw new InvalidArgumentError("make a tensor", "data", requirement, got);
    }
  };
  walk(data, 0);
  return values;
}
