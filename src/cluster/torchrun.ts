import { readRanks } from "./environment.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables that this project's launcher and torchrun set: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE,
 * GROUP_RANK, MASTER_ADDR, MASTER_PORT.
 *
 * @returns the process, or `undefined` if RANK and WORLD_SIZE are both absent
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromTorchrun(env: Environment): ProcessInfo | undefined {
  if (!env.RANK && !env.WORLD_SIZE) return undefined;
  return readRanks(env, "torchrun", {
    rank: "RANK",
    worldSize: "WORLD_SIZE",
    localRank: "LOCAL_RANK",
    localWorldSize: "LOCAL_WORLD_SIZE",
    nodeRank: "GROUP_RANK",
  });
}
