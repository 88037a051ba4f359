import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { numelOf } from "./array.ts";

/** Numbers nested to any depth, every level of equal length: `[[1, 2], [3, 4]]` has shape (2, 2). */
export type Nested = number | readonly Nested[];

/** Anything a tensor can be made from. */
export type TensorData = ArrayLike<number> | Nested;

/**
 * Flattens data to float32 and finds its shape.
 *
 * @param shape the shape wanted; by default the nesting's own, or (length) for flat data
 * @throws {InvalidArgumentError} when the nesting is ragged or the number of values does not fit the shape
 */
export function flatten(
  data: TensorData,
  shape?: readonly number[],
): { values: Float32Array; shape: number[] } {
  const own = shapeOf(data);
  const values = own.length <= 1 && typeof data !== "number"
    ? Float32Array.from(data as ArrayLike<number>)
    : fill(data as Nested, own);
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

function shapeOf(data: TensorData): number[] {
  const shape: number[] = [];
  for (let level: TensorData = data; typeof level === "object"; level = level[0] as TensorData) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return shape;
}

function fill(data: Nested, shape: readonly number[]): Float32Array {
  const values = new Float32Array(numelOf(shape));
  let at = 0;
  const walk = (level: Nested, depth: number): void => {
    if (typeof level === "number" && depth === shape.length) values[at++] = level;
    else if (typeof level === "object" && level.length === shape[depth]) {
      level.forEach((item) => walk(item, depth + 1));
    } else {throw new InvalidArgumentError(
        "make a tensor",
        "nested data",
        "of equal length at every level",
        "ragged data",
      );}
  };
  walk(data, 0);
  return values;
}
