import { JOB_TOKEN_VARIABLE } from "./environment.ts";
import { fromOpenMpi } from "./open_mpi.ts";
import { fromPmi } from "./pmi.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";
import { fromSlurm } from "./slurm.ts";
import { fromTorchrun } from "./torchrun.ts";

/** Launcher environments by precedence: a launcher inside another one's job step wins. */
const SOURCES = [fromTorchrun, fromOpenMpi, fromPmi, fromSlurm] as const;

/**
 * Which process this is: RANK and WORLD_SIZE, Open MPI, PMI, a SLURM job step, else a single process.
 *
 * @param env environment variables, by default this process's
 * @throws InvalidArgumentError if the environment that applies is malformed, for example RANK=3 with WORLD_SIZE=2
 */
export function resolveProcess(env: Environment = Deno.env.toObject()): ProcessInfo {
  for (const read of SOURCES) {
    const info = read(env);
    if (info !== undefined) return info;
  }
  return {
    rank: 0,
    worldSize: 1,
    localRank: 0,
    localWorldSize: 1,
    masterAddr: "127.0.0.1",
    masterPort: 0,
    jobToken: env[JOB_TOKEN_VARIABLE] ?? "",
    source: "single",
  };
}
