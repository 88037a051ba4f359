import { describeProcess } from "./describe_process.ts";
import { isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables of IBM's JSM (`jsrun` in LSF jobs): JSM_NAMESPACE_{RANK,SIZE,LOCAL_RANK,LOCAL_SIZE}, LSB_JOBID.
 *
 * A job on several nodes meets on the first compute node of LSB_MCPU_HOSTS (`launch 1 node1 42 node2 42`; the launch node
 * comes first and runs no ranks).
 *
 * @returns the process, or `undefined` if it was not started by jsrun
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromJsm(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "JSM_NAMESPACE_RANK")) return undefined;
  const worldSize = readInteger(env, "JSM_NAMESPACE_SIZE", { min: 1 });
  const rank = readInteger(env, "JSM_NAMESPACE_RANK", { max: worldSize - 1 });
  const localWorldSize = readInteger(env, "JSM_NAMESPACE_LOCAL_SIZE", { min: 1, max: worldSize });
  const localRank = readInteger(env, "JSM_NAMESPACE_LOCAL_RANK", { max: localWorldSize - 1 });
  const step = [env.LSB_JOBID, env.LSB_JOBINDEX, env.PMIX_NAMESPACE].filter((part) => part).join(".");
  return describeProcess(
    env,
    "jsm",
    { rank, worldSize, localRank, localWorldSize },
    { id: step || undefined, head: firstComputeNode(env.LSB_MCPU_HOSTS) },
    host,
  );
}

function firstComputeNode(hosts = ""): string | undefined {
  const names = hosts.trim().split(/\s+/).filter((_, index) => index % 2 === 0);
  return (names[1] ?? names[0]) || undefined;
}
