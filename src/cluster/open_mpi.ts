import { readRanks } from "./environment.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables that Open MPI's `mpirun` sets. The address is MASTER_ADDR if given, else the first address of the
 * head node in OMPI_MCA_orte_hnp_uri (`jobid;tcp://10.0.0.1,...:port`), which is where rank 0 runs by default.
 *
 * @returns the process, or `undefined` if it was not started by Open MPI
 * @throws InvalidArgumentError if a variable is malformed or contradicts another
 */
export function fromOpenMpi(env: Environment): ProcessInfo | undefined {
  if (!env.OMPI_COMM_WORLD_RANK || !env.OMPI_COMM_WORLD_SIZE) return undefined;
  const local = env.OMPI_COMM_WORLD_LOCAL_SIZE === env.OMPI_COMM_WORLD_SIZE;
  const uri = env.OMPI_MCA_orte_hnp_uri ?? env.PMIX_SERVER_URI2 ?? "";
  const head = local ? undefined : /tcp:\/\/([^,:;]+)/.exec(uri)?.[1];
  const job = env.PMIX_NAMESPACE ?? env.OMPI_MCA_ess_base_jobid ?? uri;
  return readRanks(
    { ...env, MASTER_ADDR: env.MASTER_ADDR || head },
    "open_mpi",
    {
      rank: "OMPI_COMM_WORLD_RANK",
      worldSize: "OMPI_COMM_WORLD_SIZE",
      localRank: "OMPI_COMM_WORLD_LOCAL_RANK",
      localWorldSize: "OMPI_COMM_WORLD_LOCAL_SIZE",
      nodeRank: "PRTE_NODE_RANK",
    },
    job,
  );
}
