import { describeProcess } from "./describe_process.ts";
import { firstSet, isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/** Launchers that set PMI's variables too, and tell more through their own: rank and, where they have one, size. */
const RICHER = [
  ["FLUX_TASK_RANK", "FLUX_JOB_SIZE"],
  ["PALS_RANKID"],
  ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS"],
] as const;

/**
 * The variables that hydra (`mpiexec.hydra` of MPICH and Intel MPI) sets: PMI_RANK, PMI_SIZE, MPI_LOCALRANKID,
 * MPI_LOCALNRANKS.
 *
 * Nothing in them names the job. Hydra's proxy, the parent of a node's ranks, has it on its command line: the host and port
 * of `mpiexec`, which only this job has, and the number of the node. A job on several nodes meets on the host of
 * `mpiexec`, where rank 0 runs by default.
 *
 * @returns the process, or `undefined` if it was not started through PMI, or by a launcher that tells more itself
 * @throws InvalidArgumentError if a variable is malformed or contradicts another
 */
export function fromPmi(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "PMI_RANK") || !isSet(env, "PMI_SIZE") || hasRicherSource(env)) return undefined;
  const worldSize = readInteger(env, "PMI_SIZE", { min: 1 });
  const rank = readInteger(env, "PMI_RANK", { max: worldSize - 1 });
  const localWorldSize = readInteger(env, firstSet(env, "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE"), {
    min: 1,
    max: worldSize,
    fallback: worldSize,
  });
  const localRank = readInteger(env, firstSet(env, "MPI_LOCALRANKID", "PMI_LOCAL_RANK"), {
    max: localWorldSize - 1,
    fallback: rank % localWorldSize,
  });
  const proxy = worldSize === 1 ? {} : readProxy(host);
  return describeProcess(
    env,
    "pmi",
    {
      rank,
      worldSize,
      localRank,
      localWorldSize,
      ...(proxy.node === undefined ? {} : { nodeRank: proxy.node }),
    },
    proxy,
    host,
  );
}

function hasRicherSource(env: Environment): boolean {
  return !isSet(env, "MPI_LOCALNRANKS") &&
    RICHER.some(([rank, size]) =>
      env[rank] === env.PMI_RANK && (size === undefined || env[size] === env.PMI_SIZE)
    );
}

/** `--control-port host:port` (MPICH) or `--upstream-host host --upstream-port port` (Intel MPI), and `--proxy-id n`. */
function readProxy(host: Host): { id?: string; head?: string; node?: number } {
  const proxy = host.ancestors().find(([program = ""]) => /(^|\/)hydra_\w*proxy$/.test(program));
  if (proxy === undefined) return {};
  const option = (name: string): string | undefined => {
    const index = proxy.indexOf(name);
    return index < 0 ? undefined : proxy[index + 1];
  };
  const [, head, port] = /^(.+):(\d+)$/.exec(option("--control-port") ?? "") ??
    [, option("--upstream-host"), option("--upstream-port")];
  if (head === undefined || port === undefined) return {};
  const node = option("--proxy-id");
  return { id: `${head}:${port}`, head, ...(/^\d+$/.test(node ?? "") ? { node: Number(node) } : {}) };
}
