import { describeProcess } from "./describe_process.ts";
import { firstSet, isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables of HPE's PALS (`mpiexec` and `aprun` on Cray systems with PBS): PALS_RANKID, PALS_LOCAL_RANKID, PALS_NODEID,
 * PALS_APID, and the sizes PALS_SIZE or PMI_SIZE, PALS_LOCAL_SIZE or PMI_LOCAL_SIZE.
 *
 * PALS does not name the first node in the environment: a job on several nodes needs MASTER_ADDR.
 *
 * @returns the process, or `undefined` if it was not started by PALS
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromPals(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "PALS_RANKID")) return undefined;
  const worldSize = readInteger(env, firstSet(env, "PMI_SIZE", "PALS_SIZE"), { min: 1 });
  const rank = readInteger(env, "PALS_RANKID", { max: worldSize - 1 });
  const localWorldSize = readInteger(env, firstSet(env, "PALS_LOCAL_SIZE", "PMI_LOCAL_SIZE"), {
    min: 1,
    max: worldSize,
  });
  const localRank = readInteger(env, firstSet(env, "PALS_LOCAL_RANKID", "PMI_LOCAL_RANK"), {
    max: localWorldSize - 1,
  });
  const nodeRank = isSet(env, "PALS_NODEID") ? { nodeRank: readInteger(env, "PALS_NODEID") } : {};
  return describeProcess(
    env,
    "pals",
    { rank, worldSize, localRank, localWorldSize, ...nodeRank },
    { id: env.PALS_APID || undefined },
    host,
  );
}
