import { InvalidArgumentError } from "../errors.ts";

/** @throws {InvalidArgumentError} if `value` is not a positive integer */
export function requireExtent(action: string, argument: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new InvalidArgumentError(action, argument, "a positive integer", String(value));
}
