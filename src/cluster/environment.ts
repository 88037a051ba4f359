/** Reads single environment variables; what is malformed is an error that names the variable and its value. */

import { InvalidArgumentError } from "../util/errors.ts";
import type { Environment } from "./process_info.ts";

/** Name of the environment variable that holds the job token. */
export const JOB_TOKEN_VARIABLE = "DEEPINV_JOB_TOKEN";

/** Whether a variable is there and not empty. */
export function isSet(env: Environment, name: string): boolean {
  return env[name] !== undefined && env[name] !== "";
}

/** The first of `names` that is set; the first of all if none is. */
export function firstSet(env: Environment, ...names: [string, ...string[]]): string {
  return names.find((name) => isSet(env, name)) ?? names[0];
}

/**
 * Reads an integer variable.
 *
 * @throws InvalidArgumentError if it is absent and has no default, no decimal integer, or out of range
 */
export function readInteger(
  env: Environment,
  name: string,
  range: { min?: number; max?: number; fallback?: number } = {},
): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, fallback } = range;
  if (!isSet(env, name)) {
    if (fallback !== undefined) return fallback;
    throw invalidVariable(name, "set", "nothing");
  }
  const text = env[name]!.trim();
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    const requirement = max === Number.MAX_SAFE_INTEGER
      ? `an integer >= ${min}`
      : `an integer from ${min} to ${max}`;
    throw invalidVariable(name, requirement, JSON.stringify(env[name]));
  }
  return value;
}

/** The error for a variable that cannot be used. */
export function invalidVariable(name: string, requirement: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError("join the job", `environment variable ${name}`, requirement, got);
}

/** A port from 20000 to 29999, below the ephemeral range, that depends on the job's name only (FNV-1a). */
export function derivePort(jobId: string): number {
  let hash = 0x811c9dc5;
  for (const character of jobId) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  return 20000 + hash % 10000;
}
