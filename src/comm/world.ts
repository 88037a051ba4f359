import type { OperationLedger } from "./operation_ledger.ts";
import type { StatsTable } from "./operation_stats.ts";
import type { Placement } from "./shm/placement.ts";
import type { Transport } from "./transport/transport.ts";

/** What the groups of one process share. */
export interface World {
  /** Carries the messages; `undefined` for a world of one. */
  readonly transport: Transport | undefined;
  /** Which ranks share a host; `undefined` until that is known and for a world of one. */
  placement: Placement | undefined;
  /** What has been called. */
  readonly ledger: OperationLedger;
  /** Counters of all groups. */
  readonly stats: StatsTable;
  /** Deadline of each operation, in milliseconds. */
  readonly timeout: number;
  /** Number of the next group. */
  nextGroup: number;
  /** Whether the world was closed. */
  closed: boolean;
}
