import { InvalidArgumentError } from "../util/errors.ts";

/** @throws {InvalidArgumentError} when a count is not a whole number >= its least value */
export function requireCounts(
  owner: string,
  counts: Readonly<Record<string, number>>,
  least: Readonly<Record<string, number>> = {},
): void {
  for (const [name, count] of Object.entries(counts)) {
    const smallest = least[name] ?? 1;
    if (!Number.isInteger(count) || count < smallest) {
      throw new InvalidArgumentError(`build ${owner}`, name, `a whole number >= ${smallest}`, String(count));
    }
  }
}
