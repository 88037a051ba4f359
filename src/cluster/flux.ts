import { describeProcess } from "./describe_process.ts";
import { invalidVariable, isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables of a Flux job (`flux run`): FLUX_TASK_RANK, FLUX_JOB_SIZE, FLUX_TASK_LOCAL_ID, FLUX_JOB_NNODES,
 * FLUX_JOB_ID.
 *
 * Flux does not tell how many tasks a node has: the same on all, or else LOCAL_WORLD_SIZE must say it. Nor does it name the
 * first node: a job on several nodes needs MASTER_ADDR.
 *
 * @returns the process, or `undefined` outside a Flux job
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromFlux(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "FLUX_TASK_RANK")) return undefined;
  const worldSize = readInteger(env, "FLUX_JOB_SIZE", { min: 1 });
  const rank = readInteger(env, "FLUX_TASK_RANK", { max: worldSize - 1 });
  const localWorldSize = readLocalSize(env, worldSize);
  const localRank = readInteger(env, "FLUX_TASK_LOCAL_ID", { max: localWorldSize - 1 });
  return describeProcess(
    env,
    "flux",
    { rank, worldSize, localRank, localWorldSize },
    { id: env.FLUX_JOB_ID || undefined },
    host,
  );
}

function readLocalSize(env: Environment, worldSize: number): number {
  if (isSet(env, "LOCAL_WORLD_SIZE")) {
    return readInteger(env, "LOCAL_WORLD_SIZE", { min: 1, max: worldSize });
  }
  const nodes = readInteger(env, "FLUX_JOB_NNODES", { min: 1, max: worldSize, fallback: 1 });
  if (worldSize % nodes === 0) return worldSize / nodes;
  const requirement = `a multiple of FLUX_JOB_NNODES (${nodes}) unless LOCAL_WORLD_SIZE is set`;
  throw invalidVariable("FLUX_JOB_SIZE", requirement, String(worldSize));
}
