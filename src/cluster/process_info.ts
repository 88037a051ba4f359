/** Which process of a job this is, and where the job meets. */
export interface ProcessInfo {
  /** Rank in the job, 0 ... worldSize - 1. */
  readonly rank: number;
  /** Number of processes of the job. */
  readonly worldSize: number;
  /** Rank among the processes of this node; nodes are the scheduler's, several may share a physical host. */
  readonly localRank: number;
  /** Number of processes of the job on this node. */
  readonly localWorldSize: number;
  /** Number of this node in the job, where the launcher tells it. */
  readonly nodeRank?: number;
  /** Host at which rank 0 listens. */
  readonly masterAddr: string;
  /** Port at which rank 0 listens; 0 for a single process. */
  readonly masterPort: number;
  /** What ranks of one start of the job know; a secret only if the launcher gave one, else the name of the job and step. */
  readonly jobToken: string;
  /** Which environment it was read from, for example `"slurm"`; `"single"` for a process on its own. */
  readonly source: string;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;
