import { describeProcess } from "./describe_process.ts";
import { isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

const DEFAULT_PORT = 29500;

/**
 * A pod of a Kubernetes indexed job, one rank each: JOB_COMPLETION_INDEX is the rank. The manifest gives WORLD_SIZE and
 * MASTER_ADDR, the name of pod 0 in a headless service; MASTER_PORT is 29500 by default, since pods have own addresses.
 *
 * @returns the process, or `undefined` unless JOB_COMPLETION_INDEX and WORLD_SIZE are set
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromKubernetes(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "JOB_COMPLETION_INDEX") || !isSet(env, "WORLD_SIZE")) return undefined;
  const worldSize = readInteger(env, "WORLD_SIZE", { min: 1 });
  const rank = readInteger(env, "JOB_COMPLETION_INDEX", { max: worldSize - 1 });
  return describeProcess(
    env,
    "kubernetes",
    { rank, worldSize, localRank: 0, localWorldSize: 1, nodeRank: rank },
    { id: env.MASTER_ADDR || undefined, port: DEFAULT_PORT },
    host,
  );
}

/** What to tell the user of an indexed job that does not give its size; `undefined` outside one. */
export function kubernetesHint(env: Environment): string | undefined {
  if (!isSet(env, "JOB_COMPLETION_INDEX")) return undefined;
  return `Kubernetes indexed job, pod ${env.JOB_COMPLETION_INDEX}: running as a single process; ` +
    "set WORLD_SIZE and MASTER_ADDR in the manifest to make its pods the ranks of one job";
}
