import { InvalidArgumentError } from "../util/errors.ts";

/**
 * Refuses limits of an iteration that are out of range.
 *
 * @throws {InvalidArgumentError} when maxIter is not a whole number >= 0, or tol negative or NaN
 */
export function checkLimits(action: string, { maxIter, tol }: { maxIter: number; tol: number }): void {
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new InvalidArgumentError(action, "maxIter", "a whole number >= 0", String(maxIter));
  }
  if (!(tol >= 0)) throw new InvalidArgumentError(action, "tol", "a number >= 0", String(tol));
}
