import type { ProcessInfo } from "../cluster/process_info.ts";
import { resolveProcess } from "../cluster/resolve_process.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { requireTimeout } from "./arguments.ts";
import { GroupCore, type World } from "./group_core.ts";
import { OperationLedger } from "./operation_ledger.ts";
import { StatsTable } from "./operation_stats.ts";
import { ProcessGroup } from "./process_group.ts";

/** Options of a group of all ranks. */
export interface ConnectOptions {
  /** Deadline of the start and of each operation, in ms; by default 300000. */
  timeout?: number;
  /** How messages travel; `"shm"` is not available in this version. */
  transport?: "auto" | "tcp" | "shm";
}

const DEFAULT_TIMEOUT_MS = 300_000;

/**
 * Connects the ranks of a job into a group. A single process gets a group of one and touches no network.
 *
 * @param process which process this is; `resolveProcess()` reads it from the environment
 * @throws CollectiveTimeoutError naming the ranks that did not show up in time
 * @throws LibzmqNotFoundError if there are several ranks and no usable libzmq
 * @throws InvalidArgumentError for options that cannot be used
 */
export async function createProcessGroup(
  process: ProcessInfo,
  options: ConnectOptions = {},
): Promise<ProcessGroup> {
  const timeout = requireTimeout("connect", options.timeout ?? DEFAULT_TIMEOUT_MS);
  const wanted = options.transport ?? "auto";
  if (wanted !== "auto" && wanted !== "tcp") {
    const got = wanted === "shm" ? '"shm", which is not available in this version' : String(wanted);
    throw new InvalidArgumentError("connect", "transport", '"auto" or "tcp"', got);
  }
  const ledger = new OperationLedger(process.rank);
  const transport = process.worldSize === 1
    ? undefined
    : await (await import("./rendezvous.ts")).rendezvous(process, ledger, timeout);
  const world: World = { transport, ledger, stats: new StatsTable(), timeout, nextGroup: 1, closed: false };
  const ranks = Array.from({ length: process.worldSize }, (_, rank) => rank);
  const core = new GroupCore(world, 0, ranks, process.rank);
  return new ProcessGroup(core, undefined, () => transport?.close() ?? Promise.resolve());
}

/** Connects this process according to its environment; see {@link createProcessGroup}. */
export async function connect(options: ConnectOptions = {}): Promise<ProcessGroup> {
  return await createProcessGroup(resolveProcess(), options);
}
