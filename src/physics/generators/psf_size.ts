import { InvalidArgumentError } from "../../util/errors.ts";

/** Side, or height and width, of point spread functions. */
export type PsfSize = number | readonly [height: number, width: number];

/**
 * Height and width.
 *
 * @throws {InvalidArgumentError} when they are not whole numbers >= 1
 */
export function psfExtents(action: string, psfSize: PsfSize): readonly [number, number] {
  const extents = typeof psfSize === "number" ? [psfSize, psfSize] as const : psfSize;
  if (extents.length === 2 && extents.every((extent) => Number.isInteger(extent) && extent >= 1)) {
    return extents;
  }
  throw new InvalidArgumentError(action, "psfSize", "one or two whole numbers >= 1", String(psfSize));
}

/**
 * Refuses a number that is not finite and above (or at) a bound.
 *
 * @throws {InvalidArgumentError} naming it
 */
export function requireNumber(
  action: string,
  argument: string,
  value: number,
  least: number,
  open = false,
): void {
  if (Number.isFinite(value) && (open ? value > least : value >= least)) return;
  throw new InvalidArgumentError(
    action,
    argument,
    `finite and ${open ? ">" : ">="} ${least}`,
    String(value),
  );
}

/** Values divided by their sum. */
export function unitSum(values: Float64Array): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}
