/**
 * The environment variables by which a rank knows its place, as torchrun names them.
 *
 * With the same number of ranks on every host: RANK = GROUP_RANK * LOCAL_WORLD_SIZE + LOCAL_RANK.
 */
import { JOB_TOKEN_VARIABLE } from "../src/cluster/environment.ts";
import { JOB_KEY_VARIABLE, type Nodes } from "./nodes.ts";

/** What distinguishes one start of a job from the next. */
export interface Attempt {
  /** The TCP port at which rank 0 meets the others. */
  masterPort: number;
  /** Secret shared by the ranks of this start. */
  token: string;
  /** How many starts came before. */
  restartCount: number;
}

/** Variables that hold secrets: never printed. */
export const SECRET_VARIABLES: readonly string[] = [JOB_TOKEN_VARIABLE, JOB_KEY_VARIABLE];

/** Variables that the launcher alone sets. */
export const RESERVED_VARIABLES: readonly string[] = [
  ...SECRET_VARIABLES,
  "RANK",
  "WORLD_SIZE",
  "LOCAL_RANK",
  "LOCAL_WORLD_SIZE",
  "GROUP_RANK",
  "GROUP_WORLD_SIZE",
  "NODE_RANK",
  "MASTER_ADDR",
  "MASTER_PORT",
  "RESTART_COUNT",
  "DEEPINV_INSECURE",
  "DEEPINV_LAUNCHER_PID",
];

/** A rank's number in the whole job. */
export function globalRank(nodes: Nodes, nproc: number, localRank: number): number {
  return nodes.rank * nproc + localRank;
}

/** The variables of one rank; all of them are {@linkcode RESERVED_VARIABLES}. */
export function rankVariables(
  nodes: Nodes,
  nproc: number,
  localRank: number,
  attempt: Attempt,
  launcherPid: number,
): Record<string, string> {
  return {
    RANK: String(globalRank(nodes, nproc, localRank)),
    WORLD_SIZE: String(nodes.count * nproc),
    LOCAL_RANK: String(localRank),
    LOCAL_WORLD_SIZE: String(nproc),
    GROUP_RANK: String(nodes.rank),
    GROUP_WORLD_SIZE: String(nodes.count),
    NODE_RANK: String(nodes.rank),
    MASTER_ADDR: nodes.masterAddr,
    MASTER_PORT: String(attempt.masterPort),
    RESTART_COUNT: String(attempt.restartCount),
    DEEPINV_LAUNCHER_PID: String(launcherPid),
    [JOB_TOKEN_VARIABLE]: attempt.token,
    ...(nodes.key === null ? {} : { [JOB_KEY_VARIABLE]: nodes.key }),
    ...(nodes.insecure ? { DEEPINV_INSECURE: "1" } : {}),
  };
}
