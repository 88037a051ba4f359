import { InvalidArgumentError } from "../util/errors.ts";

/** A parameter of an algorithm: one value, or one per iteration. */
export type Schedule = number | readonly number[];

/**
 * Checks a schedule against the number of iterations.
 *
 * @throws {InvalidArgumentError} when a value is out of range or the list is too short
 */
export function checkSchedule(action: string, name: string, schedule: Schedule, maxIter: number): void {
  const values = valuesOf(schedule);
  if (!values.every((value) => Number.isFinite(value) && value >= 0)) {
    throw new InvalidArgumentError(action, name, "finite and >= 0", String(schedule));
  }
  if (typeof schedule !== "number" && schedule.length < maxIter) {
    throw new InvalidArgumentError(
      action,
      name,
      `a number, or a list of at least ${maxIter}`,
      `a list of ${schedule.length}`,
    );
  }
}

/** The schedule's values, one or one for each iteration. */
export function valuesOf(schedule: Schedule): readonly number[] {
  return Array.isArray(schedule) ? schedule : [schedule as number];
}

/** The schedule's value in an iteration, counted from 0. */
export function valueAt(schedule: Schedule, iteration: number): number {
  return typeof schedule === "number" ? schedule : schedule[iteration];
}
