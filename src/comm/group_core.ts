/** Runs the operations of one group: numbering, agreement, deadlines, errors and counters. */

import { InvalidArgumentError } from "../util/errors.ts";
import { requireMember } from "./arguments.ts";
import { Channel } from "./channel.ts";
import { agree } from "./collectives/dissemination_barrier.ts";
import { type Failure, FailureSignal, formatRanks, GroupClosedError, toError } from "./errors.ts";
import type { OperationLedger } from "./operation_ledger.ts";
import type { StatsTable } from "./operation_stats.ts";
import type { Message, Transport } from "./transport/transport.ts";
import { type Envelope, operationCode, type OperationName } from "./wire.ts";

/** What the groups of one process share. */
export interface World {
  /** Carries the messages; `undefined` for a world of one. */
  readonly transport: Transport | undefined;
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

/** One operation as the ranks must agree on it. */
export interface Call {
  readonly operation: OperationName;
  /** Name for the user where it is not `operation`. */
  readonly name?: string;
  /** Element type code, 0 if ranks need not agree. */
  readonly dtype?: number;
  /** Reduction operator code. */
  readonly reduceOp?: number;
  /** World rank of the root. */
  readonly root?: number;
  /** Number of elements, -1 if ranks need not agree. */
  readonly count?: number;
  /** Bytes that this rank puts in, for the counters. */
  readonly bytes?: number;
  /** Tag and peer of a point-to-point message. */
  readonly message?: { readonly tag: number; readonly peer: number; readonly sequence: number };
}

/** The part of the users' options that matters here. */
export interface Deadline {
  /** Deadline in milliseconds; by default the world's. */
  readonly timeout?: number;
}

/** The messages of a group of one: the rank's own, which is not sent. */
export const ALONE: (Message | undefined)[] = [undefined];

/** Longest delay of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** See the file's description. */
export class GroupCore {
  readonly #sent = new Map<string, number>();
  readonly #received = new Map<string, number>();

  /**
   * @param world what the groups share
   * @param id number of the group; 0 is the world
   * @param ranks world ranks of its members, ascending
   * @param rank this process's rank
   */
  constructor(
    readonly world: World,
    readonly id: number,
    readonly ranks: readonly number[],
    readonly rank: number,
  ) {}

  /** Number of the next message to or from a peer under a tag. */
  messageNumber(direction: "sent" | "received", peer: number, tag: number): number {
    const counters = direction === "sent" ? this.#sent : this.#received;
    const key = `${peer}/${tag}`;
    const number = counters.get(key) ?? 0;
    counters.set(key, number + 1);
    return number;
  }

  /** Number of members. */
  get size(): number {
    return this.ranks.length;
  }

  /** Position of this process among the members, -1 if it is none. */
  get position(): number {
    return this.ranks.indexOf(this.rank);
  }

  /** Position of a world rank. @throws InvalidArgumentError unless it is a member */
  index(action: string, argument: string, rank: number): number {
    return this.ranks.indexOf(requireMember(action, argument, rank, this.ranks));
  }

  /** As {@link index}. @throws InvalidArgumentError also for this rank itself */
  peer(action: string, argument: string, rank: number): number {
    const index = this.index(action, argument, rank);
    if (rank !== this.rank) return index;
    throw new InvalidArgumentError(action, argument, "another rank", `${rank}, this rank itself`);
  }

  /** As {@link execute}, but in a group of one returns `alone` at once. */
  async run<T>(call: Call, options: Deadline, alone: T, body: (channel: Channel) => Promise<T>): Promise<T> {
    return this.size === 1 ? alone : await this.execute(call, options, body);
  }

  /**
   * Runs `body` as the next operation of the group. An operation with a root also waits until every rank has called it.
   *
   * @throws CollectiveError whatever keeps the ranks from finishing it together
   */
  async execute<T>(call: Call, options: Deadline, body: (channel: Channel) => Promise<T>): Promise<T> {
    const { transport, ledger, stats } = this.world;
    const operation = call.name ?? call.operation;
    const sequence = call.message?.sequence ?? ledger.nextSequence(this.id);
    if (transport === undefined || this.world.closed) throw closed(operation, sequence, this.rank);
    if (transport.failure !== undefined) throw toError(transport.failure, operation, sequence);
    const started = performance.now();
    const envelope = this.#envelope(call, sequence);
    if (call.message === undefined) {
      const conflict = ledger.enter(envelope);
      if (conflict !== undefined) transport.fail(conflict, true);
    }
    const deadline = Math.min(options.timeout ?? this.world.timeout, MAX_TIMEOUT_MS);
    const state = { over: false };
    const timer = setTimeout(() => this.#expire(transport, call, envelope, deadline, state), deadline);
    try {
      const channel = new Channel(transport, this.ranks, envelope);
      const work = call.root === undefined
        ? body(channel)
        : Promise.all([body(channel), agree(channel)]).then(([result]) => result);
      const result = await transport.attend(work);
      stats.add(operation, call.bytes ?? 0, performance.now() - started);
      return result;
    } catch (error) {
      if (!(error instanceof FailureSignal)) transport.fail(this.#ownFault(operation, sequence, error), true);
      throw error instanceof FailureSignal ? toError(error.failure, operation, sequence) : error;
    } finally {
      state.over = true;
      clearTimeout(timer);
      if (call.message === undefined) ledger.leave(envelope);
    }
  }

  #envelope(call: Call, sequence: number): Envelope {
    const { dtype = 0, reduceOp = 0, root = -1, count = -1 } = call;
    const operation = operationCode(call.operation);
    const tag = call.message?.tag ?? 0;
    return { group: this.id, sequence, step: 0, tag, operation, dtype, reduceOp, root, count };
  }

  async #expire(
    transport: Transport,
    call: Call,
    envelope: Envelope,
    deadline: number,
    state: { readonly over: boolean },
  ): Promise<void> {
    const { message } = call;
    const operation = call.name ?? call.operation;
    const missing = message === undefined
      ? await transport.missing(this.id, envelope.sequence, this.ranks)
      : [message.peer];
    if (state.over) return;
    const ranks = missing.length > 0 ? missing : transport.awaited();
    const verb = missing.length > 0 ? "did not show up" : "did not finish";
    const detail = `${formatRanks(ranks)} ${verb} within ${deadline} ms`;
    transport.fail({ kind: "timeout", operation, sequence: envelope.sequence, ranks, detail }, true);
  }

  #ownFault(operation: string, sequence: number, error: unknown): Failure {
    const detail = `rank ${this.rank} failed in ${operation}: ${error}`;
    return { kind: "rank", operation, sequence, ranks: [this.rank], detail };
  }
}

function closed(operation: string, sequence: number, rank: number): GroupClosedError {
  const message = `Cannot complete ${operation} #${sequence}: the group is closed on this rank`;
  return new GroupClosedError(message, { operation, sequence, ranks: [rank] });
}

/** A number that differs, in all likelihood, for different sets of ranks. */
export function checksum(ranks: readonly number[]): number {
  return ranks.reduce((hash, rank) => (hash * 31 + rank + 1) % 2 ** 40, ranks.length);
}
