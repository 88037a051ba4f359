import { describeProcess } from "./describe_process.ts";
import { isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables that Open MPI's `mpirun` sets: OMPI_COMM_WORLD_{RANK,SIZE,LOCAL_RANK,LOCAL_SIZE}.
 *
 * A job on several nodes meets where `mpirun` runs, which is where rank 0 runs by default: the first address in
 * OMPI_MCA_orte_hnp_uri (`job;tcp://10.0.0.1,10.1.0.1:port`; Open MPI 4), or the host in PMIX_NAMESPACE
 * (`prterun-host-pid@1`; Open MPI 5). IBM's `jsrun` sets the same variables but tells more through its own.
 *
 * @returns the process, or `undefined` if it was not started by Open MPI
 * @throws InvalidArgumentError if a variable is malformed or contradicts another
 */
export function fromOpenMpi(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "OMPI_COMM_WORLD_RANK") || !isSet(env, "OMPI_COMM_WORLD_SIZE")) return undefined;
  if (isJsrun(env)) return undefined;
  const worldSize = readInteger(env, "OMPI_COMM_WORLD_SIZE", { min: 1 });
  const rank = readInteger(env, "OMPI_COMM_WORLD_RANK", { max: worldSize - 1 });
  const localWorldSize = readInteger(env, "OMPI_COMM_WORLD_LOCAL_SIZE", { min: 1, max: worldSize });
  const localRank = readInteger(env, "OMPI_COMM_WORLD_LOCAL_RANK", { max: localWorldSize - 1 });
  const names = [env.PMIX_NAMESPACE, env.OMPI_MCA_ess_base_jobid, env.OMPI_MCA_orte_hnp_uri];
  return describeProcess(
    env,
    "open_mpi",
    { rank, worldSize, localRank, localWorldSize },
    { id: names.find((name) => name), head: headNode(env) },
    host,
  );
}

function isJsrun(env: Environment): boolean {
  return env.JSM_NAMESPACE_RANK === env.OMPI_COMM_WORLD_RANK &&
    env.JSM_NAMESPACE_SIZE === env.OMPI_COMM_WORLD_SIZE;
}

function headNode(env: Environment): string | undefined {
  return /tcp:\/\/([^,:;]+)/.exec(env.OMPI_MCA_orte_hnp_uri ?? "")?.[1] ??
    /^prte(?:run)?-(.+)-\d+@\d+$/.exec(env.PMIX_NAMESPACE ?? "")?.[1];
}
