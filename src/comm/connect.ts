import type { ProcessInfo } from "../cluster/process_info.ts";
import { resolveProcess } from "../cluster/resolve_process.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { requireTimeout } from "./arguments.ts";
import { GroupCore } from "./group_core.ts";
import { OperationLedger } from "./operation_ledger.ts";
import { StatsTable } from "./operation_stats.ts";
import { ProcessGroup } from "./process_group.ts";
import { shareWorld } from "./sharing.ts";
import type { World } from "./world.ts";
import type { TransportChoice } from "./shm/placement.ts";

/** Options of a group of all ranks. */
export interface ConnectOptions {
  /** Deadline of the start and of each operation, in ms; by default 300000. */
  timeout?: number;
  /**
   * How bytes travel. `"auto"` (default, or DEEPINV_TRANSPORT): through shared memory between ranks on one host, over TCP
   * between hosts. `"tcp"`: over TCP everywhere. `"shm"`: as `"auto"`, but it is an error if not all ranks can share memory.
   */
  transport?: TransportChoice;
}

const DEFAULT_TIMEOUT_MS = 300_000;
const TRANSPORTS: readonly TransportChoice[] = ["auto", "tcp", "shm"];

/**
 * Connects the ranks of a job into a group. A single process gets a group of one and touches no network.
 *
 * @param process which process this is; `resolveProcess()` reads it from the environment
 * @throws CollectiveTimeoutError naming the ranks that did not show up in time
 * @throws LibzmqNotFoundError if there are several ranks and no usable libzmq
 * @throws InvalidArgumentError for options that cannot be used
 *
 * @example Show who is where before connecting
 * ```ts
 * import assert from "node:assert/strict";
 * import { createProcessGroup, resolveProcess } from "@deepinv/distributed/comm";
 *
 * const process = resolveProcess(); // from the launcher's variables, or a scheduler's
 * console.log(`rank ${process.rank} of ${process.worldSize}, rank ${process.localRank} on its host`);
 * await using group = await createProcessGroup(process, { timeout: 60_000 });
 * const ranks = await group.allGatherObject({ rank: process.rank, pid: Deno.pid });
 * assert.equal(ranks[group.rank].pid, Deno.pid);
 * ```
 */
export async function createProcessGroup(
  process: ProcessInfo,
  options: ConnectOptions = {},
): Promise<ProcessGroup> {
  const timeout = requireTimeout("connect", options.timeout ?? DEFAULT_TIMEOUT_MS);
  const wanted = process.worldSize === 1 && options.transport === undefined
    ? "auto"
    : requireTransport(options.transport ?? Deno.env.get("DEEPINV_TRANSPORT") ?? "auto");
  const ledger = new OperationLedger(process.rank);
  const transport = process.worldSize === 1
    ? undefined
    : await (await import("./rendezvous.ts")).rendezvous(process, ledger, timeout);
  const world: World = {
    ...{ transport, ledger, stats: new StatsTable(), timeout },
    ...{ placement: undefined, nextGroup: 1, closed: false },
  };
  const ranks = Array.from({ length: process.worldSize }, (_, rank) => rank);
  try {
    const memory = transport &&
      await shareWorld(world, ranks, process.rank, wanted);
    const core = new GroupCore(world, 0, ranks, process.rank, memory);
    return new ProcessGroup(core, undefined, () => transport?.close() ?? Promise.resolve());
  } catch (error) {
    await transport?.close();
    throw error;
  }
}

function requireTransport(wanted: string): TransportChoice {
  const choice = TRANSPORTS.find((transport) => transport === wanted);
  if (choice !== undefined) return choice;
  throw new InvalidArgumentError(
    "connect",
    "transport",
    TRANSPORTS.map((name) => `"${name}"`).join(" or "),
    wanted,
  );
}

/**
 * Connects this process according to its environment; see {@link createProcessGroup}.
 *
 * @example The same script on 1 or N ranks
 * ```ts
 * import assert from "node:assert/strict";
 * import { connect } from "@deepinv/distributed/comm";
 *
 * await using group = await connect({ timeout: 60_000, transport: "auto" });
 * const mine = Float64Array.of(group.rank + 1);
 * const [sum] = await group.allReduce(mine, { op: "sum" });
 * assert.equal(sum, group.size * (group.size + 1) / 2);
 * if (group.rank === 0) console.log(`${group.size} ranks are there`);
 * ```
 */
export async function connect(options: ConnectOptions = {}): Promise<ProcessGroup> {
  return await createProcessGroup(resolveProcess(), options);
}
