import { isSet, JOB_TOKEN_VARIABLE } from "./environment.ts";
import { fromFlux } from "./flux.ts";
import type { Host } from "./host.ts";
import { fromJsm } from "./jsm.ts";
import { fromKubernetes, kubernetesHint } from "./kubernetes.ts";
import { fromOpenMpi } from "./open_mpi.ts";
import { fromPals } from "./pals.ts";
import { fromPmi } from "./pmi.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";
import { fromSlurm, slurmHint } from "./slurm.ts";
import { fromTorchrun, rejectHalfOfTorchrun } from "./torchrun.ts";

/** Launcher environments by precedence: a launcher that runs inside another one's job step wins. */
const SOURCES = [
  fromTorchrun,
  fromOpenMpi,
  fromPmi,
  fromFlux,
  fromPals,
  fromJsm,
  fromSlurm,
  fromKubernetes,
] as const;

/**
 * The process that an environment describes: the first of the sources that applies, else a single process.
 *
 * @param host what is asked where the environment does not tell enough
 * @throws InvalidArgumentError if the environment that applies is malformed
 */
export function identifyProcess(env: Environment, host: Host): ProcessInfo {
  for (const read of SOURCES) {
    const info = read(env, host);
    if (info !== undefined) return info;
  }
  rejectHalfOfTorchrun(env);
  return {
    rank: 0,
    worldSize: 1,
    localRank: 0,
    localWorldSize: 1,
    nodeRank: 0,
    masterAddr: "127.0.0.1",
    masterPort: 0,
    jobToken: isSet(env, JOB_TOKEN_VARIABLE) ? env[JOB_TOKEN_VARIABLE]! : "",
    source: "single",
  };
}

/** How to get more processes, where a scheduler is there but none of its launchers; `undefined` elsewhere. */
export function launchHint(env: Environment): string | undefined {
  return slurmHint(env) ?? kubernetesHint(env);
}
