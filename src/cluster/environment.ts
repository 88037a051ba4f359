import { InvalidArgumentError } from "../util/errors.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/** Name of the environment variable that holds the job token. */
export const JOB_TOKEN_VARIABLE = "DEEPINV_JOB_TOKEN";

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
  const text = env[name];
  if (text === undefined || text === "") {
    if (fallback !== undefined) return fallback;
    throw new InvalidArgumentError("join the job", `environment variable ${name}`, "set", "nothing");
  }
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < min || value > max) {
    const requirement = max === Number.MAX_SAFE_INTEGER
      ? `an integer >= ${min}`
      : `an integer from ${min} to ${max}`;
    throw new InvalidArgumentError("join the job", `environment variable ${name}`, requirement, `"${text}"`);
  }
  return value;
}

/** Names of the variables in which an environment tells rank, size and place on the node. */
export interface RankVariables {
  readonly rank: string;
  readonly worldSize: string;
  readonly localRank: string;
  readonly localWorldSize: string;
  readonly nodeRank: string;
}

/**
 * A process description from an environment that names rank and size in `names` and may give MASTER_ADDR and
 * MASTER_PORT; `jobId` spreads the port of jobs that do not.
 *
 * @throws InvalidArgumentError if a variable is malformed or contradicts another
 */
export function readRanks(
  env: Environment,
  source: string,
  names: RankVariables,
  jobId?: string,
): ProcessInfo {
  const worldSize = readInteger(env, names.worldSize, { min: 1 });
  const rank = readInteger(env, names.rank, { max: worldSize - 1 });
  const localWorldSize = readInteger(env, names.localWorldSize, {
    min: 1,
    max: worldSize,
    fallback: worldSize,
  });
  const localRank = readInteger(env, names.localRank, {
    max: localWorldSize - 1,
    fallback: rank % localWorldSize,
  });
  const hasNode = env[names.nodeRank] !== undefined && env[names.nodeRank] !== "";
  return {
    ...{ rank, worldSize, localRank, localWorldSize },
    ...(hasNode ? { nodeRank: readInteger(env, names.nodeRank) } : {}),
    masterAddr: env.MASTER_ADDR || "127.0.0.1",
    masterPort: worldSize === 1
      ? readInteger(env, "MASTER_PORT", { max: 65535, fallback: 0 })
      : readInteger(env, "MASTER_PORT", {
        min: 1,
        max: 65535,
        fallback: jobId ? derivePort(jobId) : undefined,
      }),
    jobToken: env[JOB_TOKEN_VARIABLE] ?? "",
    source,
  };
}

/** A port from 20000 to 29999, below the ephemeral range, that depends on the job id only (FNV-1a). */
export function derivePort(jobId: string): number {
  let hash = 0x811c9dc5;
  for (const character of jobId) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  return 20000 + hash % 10000;
}
