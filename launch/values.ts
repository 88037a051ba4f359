/**
 * Flag values as numbers and times.
 */
import { usageError } from "./flags.ts";

/**
 * A decimal integer.
 *
 * @throws {InvalidArgumentError} anything else, or one outside `min` ... `max`
 */
export function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    const requirement = min === max ? String(min) : `a whole number from ${min} to ${max}`;
    throw usageError(flag, requirement, JSON.stringify(text));
  }
  return value;
}

/**
 * A time in milliseconds: `90` and `90s` are seconds, `250ms`, `15m` and `2h` what they say.
 *
 * @throws {InvalidArgumentError} anything else, nothing at all, or more than 24 days
 */
export function duration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = match ? Number(match[1]) * { ms: 1, s: 1e3, m: 60e3, h: 3600e3 }[match[2] ?? "s"]! : 0;
  if (!(ms >= 1 && ms < 2 ** 31)) {
    throw usageError(flag, "a time such as 90, 90s, 15m or 2h, at most 24 days", text);
  }
  return ms;
}
