import { describeProcess } from "./describe_process.ts";
import { firstSet, isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables that this project's launcher and torchrun set: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE,
 * GROUP_RANK (or NODE_RANK), MASTER_ADDR, MASTER_PORT. Without the local ones all ranks are on one node.
 *
 * @returns the process, or `undefined` unless RANK and WORLD_SIZE are both set
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromTorchrun(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "RANK") || !isSet(env, "WORLD_SIZE")) return undefined;
  const worldSize = readInteger(env, "WORLD_SIZE", { min: 1 });
  const rank = readInteger(env, "RANK", { max: worldSize - 1 });
  const localWorldSize = readInteger(env, "LOCAL_WORLD_SIZE", {
    min: 1,
    max: worldSize,
    fallback: worldSize,
  });
  const localRank = readInteger(env, "LOCAL_RANK", {
    max: localWorldSize - 1,
    fallback: rank % localWorldSize,
  });
  const node = firstSet(env, "GROUP_RANK", "NODE_RANK");
  const nodeRank = isSet(env, node) ? readInteger(env, node, { max: worldSize - 1 }) : undefined;
  const masterPort = worldSize === 1 ? 0 : readInteger(env, "MASTER_PORT", { min: 1, max: 65535 });
  const start = [env.TORCHELASTIC_RUN_ID, env.TORCHELASTIC_RESTART_COUNT ?? env.RESTART_COUNT, masterPort];
  return describeProcess(
    env,
    "torchrun",
    { rank, worldSize, localRank, localWorldSize, ...(nodeRank === undefined ? {} : { nodeRank }) },
    { id: JSON.stringify(start) },
    host,
  );
}

/**
 * RANK without WORLD_SIZE, or the reverse, and nothing else that tells who this process is: half of an environment.
 *
 * @throws InvalidArgumentError naming the variable that is missing
 */
export function rejectHalfOfTorchrun(env: Environment): void {
  if (!isSet(env, "RANK") && !isSet(env, "WORLD_SIZE")) return;
  readInteger(env, "RANK");
  readInteger(env, "WORLD_SIZE", { min: 1 });
}
