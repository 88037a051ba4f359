import { isSet, JOB_TOKEN_VARIABLE } from "./environment.ts";
import { fromFlux } from "./flux.ts";
import { type Host, thisHost } from "./host.ts";
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

let hinted = false;

/**
 * Which process this is: RANK and WORLD_SIZE (this project's launcher, torchrun), Open MPI, PMI, Flux, PALS, JSM, a SLURM
 * job step, a Kubernetes indexed job, else a single process.
 *
 * @param env environment variables; by default this process's, and then a hint is printed, once, where a scheduler's job
 *   runs as a single process
 * @param host what is asked where the environment does not tell enough
 * @throws InvalidArgumentError if the environment that applies is malformed, for example RANK=3 with WORLD_SIZE=2
 */
export function resolveProcess(env?: Environment, host: Host = thisHost()): ProcessInfo {
  const variables = env ?? Deno.env.toObject();
  for (const read of SOURCES) {
    const info = read(variables, host);
    if (info !== undefined) return info;
  }
  rejectHalfOfTorchrun(variables);
  if (env === undefined) printHint(variables);
  return {
    rank: 0,
    worldSize: 1,
    localRank: 0,
    localWorldSize: 1,
    nodeRank: 0,
    masterAddr: "127.0.0.1",
    masterPort: 0,
    jobToken: isSet(variables, JOB_TOKEN_VARIABLE) ? variables[JOB_TOKEN_VARIABLE]! : "",
    source: "single",
  };
}

/** How to get more processes, where a scheduler is there but none of its launchers; `undefined` elsewhere. */
export function launchHint(env: Environment): string | undefined {
  return slurmHint(env) ?? kubernetesHint(env);
}

function printHint(env: Environment): void {
  const hint = launchHint(env);
  if (hint === undefined || hinted) return;
  hinted = true;
  console.error(hint);
}
