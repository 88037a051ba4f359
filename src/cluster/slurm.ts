import { describeProcess } from "./describe_process.ts";
import { firstSet, invalidVariable, isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";
import { expandNodeList, expandTasksPerNode } from "./slurm_lists.ts";

/**
 * The variables of a SLURM job step (`srun`): SLURM_PROCID, SLURM_LOCALID, SLURM_NODEID, SLURM_STEP_NUM_TASKS,
 * SLURM_STEP_NODELIST, SLURM_STEP_TASKS_PER_NODE.
 *
 * Ranks may be spread unevenly and in any order: rank and local rank are the scheduler's, the local size is this node's
 * entry in the list. A step on several nodes meets on its first node, where task 0 runs, except with
 * `--distribution=arbitrary`, which needs MASTER_ADDR.
 *
 * @returns the process, or `undefined` outside a job step: a batch script itself has no SLURM_STEP_NUM_TASKS
 * @throws InvalidArgumentError if a variable is malformed, missing or contradicts another
 */
export function fromSlurm(env: Environment, host: Host): ProcessInfo | undefined {
  if (!isSet(env, "SLURM_PROCID") || !isSet(env, "SLURM_STEP_NUM_TASKS")) return undefined;
  const worldSize = readInteger(env, "SLURM_STEP_NUM_TASKS", { min: 1 });
  const rank = readInteger(env, "SLURM_PROCID", { max: worldSize - 1 });
  const nodes = readNodes(env, worldSize);
  const perNode = readTasksPerNode(env, nodes.length, worldSize);
  const nodeRank = readInteger(env, "SLURM_NODEID", {
    max: nodes.length - 1,
    ...(nodes.length === 1 ? { fallback: 0 } : {}),
  });
  const localWorldSize = perNode[nodeRank];
  const localRank = readInteger(env, "SLURM_LOCALID", { max: localWorldSize - 1 });
  const head = env.SLURM_DISTRIBUTION?.startsWith("arbitrary") ? undefined : nodes[0];
  return describeProcess(
    env,
    "slurm",
    { rank, worldSize, localRank, localWorldSize, nodeRank },
    { head, ...readStep(env) },
    host,
  );
}

/** What to tell the user of a batch script or an allocation that runs without `srun`; `undefined` outside both. */
export function slurmHint(env: Environment): string | undefined {
  if (!isSet(env, "SLURM_JOB_ID") || isSet(env, "SLURM_STEP_NUM_TASKS")) return undefined;
  return `SLURM job ${env.SLURM_JOB_ID}: running as a single process; ` +
    "start the script with srun to run one process per task";
}

/** A port from 20000 to 32767, below the ephemeral range. Steps of a job, and of about 200 jobs in a row, differ. */
export function slurmPort(job: number, step: number, restart: number): number {
  return 20000 + (job * 64 + step + restart * 8191) % 12768;
}

/** Job, step and restart count; nothing if the job has no number. */
function readStep(env: Environment): { id?: string; port?: number } {
  const jobName = firstSet(env, "SLURM_JOB_ID", "SLURM_JOBID");
  if (!isSet(env, jobName)) return {};
  const job = readInteger(env, jobName);
  const step = readInteger(env, firstSet(env, "SLURM_STEP_ID", "SLURM_STEPID"), { fallback: 0 });
  const restart = readInteger(env, "SLURM_RESTART_COUNT", { fallback: 0 });
  return { id: `${job}.${step}.${restart}`, port: slurmPort(job, step, restart) };
}

function readNodes(env: Environment, worldSize: number): string[] {
  const name = "SLURM_STEP_NODELIST";
  if (isSet(env, name)) return expandNodeList(env[name]!);
  if (worldSize === 1) return ["localhost"];
  throw invalidVariable(name, "set", "nothing");
}

function readTasksPerNode(env: Environment, nodes: number, worldSize: number): number[] {
  const name = "SLURM_STEP_TASKS_PER_NODE";
  if (!isSet(env, name)) {
    if (nodes === 1) return [worldSize];
    throw invalidVariable(name, "set", "nothing");
  }
  const perNode = expandTasksPerNode(env[name]!);
  if (perNode.length !== nodes || perNode.reduce((sum, tasks) => sum + tasks, 0) !== worldSize) {
    const requirement = `a list of ${nodes} numbers (SLURM_STEP_NODELIST) whose sum is ${worldSize} ` +
      "(SLURM_STEP_NUM_TASKS)";
    throw invalidVariable(name, requirement, JSON.stringify(env[name]));
  }
  return perNode;
}
