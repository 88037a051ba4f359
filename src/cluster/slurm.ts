import { InvalidArgumentError } from "../util/errors.ts";
import { readRanks } from "./environment.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/**
 * The variables of a SLURM job step (`srun`). A batch script without `srun` has no SLURM_STEP_NUM_TASKS and is a single
 * process. The address is the step's first node; the port depends on job and step.
 *
 * @returns the process, or `undefined` outside a job step
 * @throws InvalidArgumentError if a variable is malformed or contradicts another
 */
export function fromSlurm(env: Environment): ProcessInfo | undefined {
  if (!env.SLURM_PROCID || !env.SLURM_STEP_NUM_TASKS) return undefined;
  const node = env.SLURM_NODEID ? Number(env.SLURM_NODEID) : 0;
  const perNode = expandTasksPerNode(env.SLURM_STEP_TASKS_PER_NODE ?? env.SLURM_STEP_NUM_TASKS);
  const nodes = expandNodeList(env.SLURM_STEP_NODELIST ?? env.SLURM_NODELIST ?? "127.0.0.1");
  return readRanks(
    {
      ...env,
      MASTER_ADDR: env.MASTER_ADDR || (nodes.length === 1 ? "127.0.0.1" : nodes[0]),
      SLURM_TASKS_HERE: String(perNode[node] ?? env.SLURM_STEP_NUM_TASKS),
    },
    "slurm",
    {
      rank: "SLURM_PROCID",
      worldSize: "SLURM_STEP_NUM_TASKS",
      localRank: "SLURM_LOCALID",
      localWorldSize: "SLURM_TASKS_HERE",
      nodeRank: "SLURM_NODEID",
    },
    `${env.SLURM_JOB_ID ?? ""}.${env.SLURM_STEP_ID ?? ""}`,
  );
}

/** `"3,1(x2)"` as `[3, 1, 1]`. */
export function expandTasksPerNode(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const match = /^(\d+)(?:\(x(\d+)\))?$/.exec(part);
    if (match === null) throw malformed("SLURM_STEP_TASKS_PER_NODE", 'like "3,1(x2)"', text);
    return new Array<number>(Number(match[2] ?? 1)).fill(Number(match[1]));
  });
}

/** `"n[01-03,07],g-a[1-2]b[3-4]"` as the node names that it stands for, in order. */
export function expandNodeList(text: string): string[] {
  return text.split(/,(?![^[]*\])/).flatMap(expandNode);
}

function expandNode(pattern: string): string[] {
  const match = /^([^[\]]*)\[([^[\]]*)\](.*)$/.exec(pattern);
  if (match === null) {
    if (/[[\]]/.test(pattern)) throw malformed("SLURM_STEP_NODELIST", 'like "n[01-03,07]"', pattern);
    return [pattern];
  }
  const [, head, ranges, tail] = match;
  const tails = expandNode(tail);
  return ranges.split(",").flatMap(expandRange).flatMap((middle) => tails.map((end) => head + middle + end));
}

function expandRange(range: string): string[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  if (match === null) throw malformed("SLURM_STEP_NODELIST", 'like "n[01-03,07]"', range);
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  const numbers = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  return numbers.map((number) => String(number).padStart(match[1].length, "0"));
}

function malformed(name: string, requirement: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError("join the job", `environment variable ${name}`, requirement, `"${got}"`);
}
