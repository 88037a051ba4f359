import { derivePort, invalidVariable, isSet, readInteger } from "./environment.ts";
import type { Host } from "./host.ts";
import { jobToken } from "./job_token.ts";
import type { Environment, ProcessInfo } from "./process_info.ts";

/** Where a process stands in its job. */
export interface Placement {
  readonly rank: number;
  readonly worldSize: number;
  readonly localRank: number;
  readonly localWorldSize: number;
  readonly nodeRank?: number;
}

/** What a launcher tells about the job as a whole. */
export interface Job {
  /** What distinguishes this start of the job from all others on its hosts, if that is known. */
  readonly id?: string;
  /** Host of rank 0, if it is known. */
  readonly head?: string;
  /** Port for rank 0; by default it follows from the id. */
  readonly port?: number;
}

const LOOPBACK = "127.0.0.1";

/**
 * Completes what a launcher tells to a process description.
 *
 * - Address: MASTER_ADDR, else loopback for a job on one node, else the job's head.
 * - Port: MASTER_PORT, else the job's.
 * - A job on one node without a name is known by the process that started its ranks.
 *
 * @throws InvalidArgumentError if the address or the port is malformed or cannot be known
 */
export function describeProcess(
  env: Environment,
  source: string,
  placement: Placement,
  job: Job,
  host: Host,
): ProcessInfo {
  const { worldSize, localWorldSize } = placement;
  const oneNode = localWorldSize === worldSize;
  const id = job.id ?? (oneNode ? `process ${host.parentPid}` : undefined);
  const name = id === undefined ? undefined : `${source}:${id}`;
  const masterPort = readPort(
    env,
    worldSize,
    job.port ?? (name === undefined ? undefined : derivePort(name)),
  );
  return {
    ...placement,
    ...(oneNode && placement.nodeRank === undefined ? { nodeRank: 0 } : {}),
    masterAddr: readAddress(env, source, oneNode ? LOOPBACK : job.head),
    masterPort,
    jobToken: jobToken(env, name ?? `${source}:port ${masterPort}`),
    source,
  };
}

function readPort(env: Environment, worldSize: number, derived: number | undefined): number {
  return worldSize === 1
    ? readInteger(env, "MASTER_PORT", { max: 65535, fallback: 0 })
    : readInteger(env, "MASTER_PORT", { min: 1, max: 65535, fallback: derived });
}

function readAddress(env: Environment, source: string, head: string | undefined): string {
  const address = isSet(env, "MASTER_ADDR") ? env.MASTER_ADDR! : head;
  const requirement = `the name or address of the host of rank 0`;
  if (address === undefined) {
    throw invalidVariable("MASTER_ADDR", `${requirement} (${source} does not tell it)`, "nothing");
  }
  if (!/^[\w.:%-]+$/.test(address)) {
    throw invalidVariable("MASTER_ADDR", requirement, JSON.stringify(address));
  }
  return address;
}
