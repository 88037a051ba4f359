import { thisHost } from "./host.ts";
import { identifyProcess, launchHint } from "./identify_process.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

let hinted = false;

/**
 * Which process this is: RANK and WORLD_SIZE (this project's launcher, torchrun), Open MPI, PMI, Flux, PALS, JSM, a SLURM
 * job step, a Kubernetes indexed job, else a single process.
 *
 * A scheduler's job that runs as a single process, because its launcher was not used, gets a hint on stderr, once.
 *
 * @param env environment variables, by default this process's; no hint is printed for others
 * @throws {InvalidArgumentError} if the environment that applies is malformed, for example RANK=3 with WORLD_SIZE=2
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { resolveProcess } from "@deepinv/distributed";
 *
 * const info = resolveProcess({
 *   RANK: "5",
 *   WORLD_SIZE: "8",
 *   LOCAL_RANK: "1",
 *   LOCAL_WORLD_SIZE: "4",
 *   MASTER_ADDR: "node0",
 *   MASTER_PORT: "29500",
 * }); // without an argument: this process
 * assert.deepEqual([info.rank, info.worldSize, info.localRank, info.localWorldSize], [5, 8, 1, 4]);
 * assert.equal(`${info.masterAddr}:${info.masterPort}`, "node0:29500");
 * assert.equal(resolveProcess({}).source, "single");
 * ```
 */
export function resolveProcess(env?: Environment): ProcessInfo {
  const variables = env ?? Deno.env.toObject();
  const info = identifyProcess(variables, thisHost());
  const hint = env === undefined && info.source === "single" ? launchHint(variables) : undefined;
  if (hint !== undefined && !hinted) {
    hinted = true;
    console.error(hint);
  }
  return info;
}
