/** Which process of a job this is, and where the job meets. */
export interface ProcessInfo {
  /** Rank in the job, 0 ... worldSize - 1. */
  readonly rank: number;
  /** Number of processes of the job. */
  readonly worldSize: number;
  /** Rank among the processes of this node. */
  readonly localRank: number;
  /** Number of processes of the job on this node. */
  readonly localWorldSize: number;
  /** Number of this node in the job, where the launcher tells it. */
  readonly nodeRank?: number;
  /** Host at which rank 0 listens. */
  readonly masterAddr: string;
  /** Port at which rank 0 listens; 0 for a single process. */
  readonly masterPort: number;
  /** Secret shared by the ranks of one job; empty if the launcher gave none. */
  readonly jobToken: string;
  /** Which environment it was read from. */
  readonly source: string;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;
