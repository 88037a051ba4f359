import { readRanks } from "./environment.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables that hydra (`mpiexec.hydra` of MPICH and Intel MPI) sets. PMI does not tell the head node in the
 * environment: a job on several nodes needs MASTER_ADDR.
 *
 * @returns the process, or `undefined` if it was not started through PMI
 * @throws InvalidArgumentError if a variable is malformed or contradicts another
 */
export function fromPmi(env: Environment): ProcessInfo | undefined {
  if (!env.PMI_RANK || !env.PMI_SIZE) return undefined;
  return readRanks(
    env,
    "pmi",
    {
      rank: "PMI_RANK",
      worldSize: "PMI_SIZE",
      localRank: "MPI_LOCALRANKID",
      localWorldSize: "MPI_LOCALNRANKS",
      nodeRank: "MPI_NODE_RANK",
    },
    env.HYDI_CONTROL_FD ?? env.PMI_PORT ?? "pmi",
  );
}
