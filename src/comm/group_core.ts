/** Runs the operations of one group: numbering, agreement, deadlines, errors and counters. */

import { InvalidArgumentError } from "../util/errors.ts";
import { requireMember } from "./arguments.ts";
import type { Call, Deadline } from "./call.ts";
import { Channel } from "./channel.ts";
import type { Collectives, Eventually } from "./collectives/collectives.ts";
import { HierarchicalCollectives } from "./collectives/hierarchical_collectives.ts";
import { MessageCollectives } from "./collectives/message_collectives.ts";
import { SharedCollectives } from "./collectives/shared_collectives.ts";
import { type Failure, FailureSignal, formatRanks, GroupClosedError, toError } from "./errors.ts";
import { turnIfDue } from "./shm/flags.ts";
import type { GroupCalls } from "./operation_ledger.ts";
import type { Lane } from "./shm/lane.ts";
import type { GroupMemory } from "./shm/placement.ts";
import type { Message, Transport } from "./transport/transport.ts";
import { type Envelope, operationCode } from "./wire.ts";
import type { World } from "./world.ts";

/** The messages of a group of one: the rank's own, which is not sent. */
export const ALONE: (Message | undefined)[] = [undefined];

/** Longest delay of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** See the file's description. */
export class GroupCore {
  readonly #sent = new Map<string, number>();
  readonly #received = new Map<string, number>();
  readonly #memory: GroupMemory | undefined;
  readonly #inside: Collectives | undefined;
  readonly #calls: GroupCalls;
  /** The operation over shared memory that has not ended yet: they run one after the other. */
  #pending: Promise<unknown> | undefined;

  /**
   * @param world what the groups share
   * @param id number of the group; 0 is the world
   * @param ranks world ranks of its members, ascending
   * @param rank this process's rank
   * @param memory what its members on one host share
   */
  constructor(
    readonly world: World,
    readonly id: number,
    readonly ranks: readonly number[],
    readonly rank: number,
    memory?: GroupMemory,
  ) {
    this.#memory = memory;
    this.#calls = world.ledger.callsOf(id);
    this.#inside = memory?.lane && new SharedCollectives(memory.lane);
  }

  /** Whether all members share memory. */
  get isShared(): boolean {
    return this.#memory?.hosts.length === 1;
  }

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
  run<T>(
    call: Call,
    options: Deadline,
    alone: T,
    body: (group: Collectives) => Eventually<T>,
  ): Eventually<T> {
    return this.isAlone(call.operation) ? alone : this.execute(call, options, body);
  }

  /**
   * Whether this is a group of one, whose operations have nothing to do.
   *
   * @throws GroupClosedError if it is one and was closed, as a larger group would
   */
  isAlone(operation: string): boolean {
    if (this.size !== 1) return false;
    if (this.world.closed) throw closed(operation, 0, this.rank);
    return true;
  }

  /**
   * Runs `body` as the next operation of the group.
   *
   * @throws CollectiveError whatever keeps the ranks from finishing it together
   */
  execute<T>(call: Call, options: Deadline, body: (group: Collectives) => Eventually<T>): Eventually<T> {
    const memory = this.#memory;
    if (memory === undefined) {
      return this.exchange(call, options, (channel) => body(new MessageCollectives(channel)));
    }
    if (memory.hosts.length === 1) return this.#executeShared(memory.lane!, call, options, body);
    return this.exchange(call, options, async (channel, envelope) => {
      const levels = {
        ...{ channel, hosts: memory.hosts, dtype: envelope.dtype },
        attend: <R>(messages: Promise<R>) => this.world.transport!.attend(messages),
        inside: memory.lane && ((dtype = envelope.dtype) => {
          memory.lane!.start({ ...envelope, dtype });
          return this.#inside!;
        }),
      };
      const before = this.#pending;
      const work = (async () => {
        await before;
        return await body(new HierarchicalCollectives(levels));
      })();
      this.#follow(work);
      const result = await work;
      await turnIfDue();
      return result;
    }, false);
  }

  /**
   * Runs `body`, which exchanges messages, as the next operation of the group; the wire is attended meanwhile unless `body`
   * does that itself.
   *
   * @throws CollectiveError whatever keeps the ranks from finishing it together
   */
  async exchange<T>(
    call: Call,
    options: Deadline,
    body: (channel: Channel, envelope: Envelope) => Eventually<T>,
    attends = true,
  ): Promise<T> {
    const { ledger, stats } = this.world;
    const operation = call.name ?? call.operation;
    const sequence = call.message?.sequence ?? this.#calls.next;
    const transport = this.#usable(operation, sequence);
    const started = performance.now();
    const envelope = this.#envelope(call, sequence);
    if (call.message === undefined) {
      const conflict = ledger.enter(envelope);
      if (conflict !== undefined) transport.fail(conflict, true);
    }
    const disarm = this.#arm(transport, call, envelope, options);
    try {
      const work = async () => await body(new Channel(transport, this.ranks, envelope), envelope);
      const result = await (attends ? transport.attend(work()) : work());
      stats.add(operation, call.bytes ?? 0, performance.now() - started);
      return result;
    } catch (error) {
      throw this.#explain(transport, operation, sequence, error);
    } finally {
      disarm();
      if (call.message === undefined) ledger.leave(envelope);
    }
  }

  /** Over memory that all members share; returns at once if nobody had to be waited for. */
  #executeShared<T>(
    lane: Lane,
    call: Call,
    options: Deadline,
    body: (group: Collectives) => Eventually<T>,
  ): Eventually<T> {
    const operation = call.name ?? call.operation;
    const sequence = this.#calls.next++;
    const transport = this.#usable(operation, sequence);
    const started = lane.clock.now();
    const envelope = this.#envelope(call, sequence);
    let work: Eventually<T>;
    if (this.#pending === undefined) {
      try {
        lane.start(envelope);
        work = body(this.#inside!);
      } catch (error) {
        throw this.#explain(transport, operation, sequence, error);
      }
      if (!(work instanceof Promise)) return this.#count(lane, operation, call, started, work);
    } else {
      work = this.#pending.then(() => {
        if (transport.failure !== undefined) throw new FailureSignal(transport.failure);
        lane.start(envelope);
        return body(this.#inside!);
      });
    }
    this.#follow(work);
    const disarm = this.#arm(transport, call, envelope, options, lane);
    return work.then((result) => this.#count(lane, operation, call, started, result), (error) => {
      throw this.#explain(transport, operation, sequence, error);
    }).finally(disarm);
  }

  /** Counts an operation over shared memory that has ended; the event loop gets a turn first if it has waited for long. */
  #count<T>(lane: Lane, operation: string, call: Call, started: number, result: T): Eventually<T> {
    const now = lane.clock.now();
    this.world.stats.add(operation, call.bytes ?? 0, now - started);
    const turn = turnIfDue(now);
    return turn === undefined ? result : turn.then(() => result);
  }

  /** Makes later operations over shared memory wait for `work`. */
  #follow(work: Promise<unknown>): void {
    const over = work.then(() => {}, () => {});
    this.#pending = over;
    void over.then(() => {
      if (this.#pending === over) this.#pending = undefined;
    });
  }

  /** The transport. @throws CollectiveError if the group cannot be used any more */
  #usable(operation: string, sequence: number): Transport {
    const { transport, closed: isClosed } = this.world;
    if (transport === undefined || isClosed) throw closed(operation, sequence, this.rank);
    if (transport.failure !== undefined) throw toError(transport.failure, operation, sequence);
    return transport;
  }

  /** What the caller sees of an error; one that is not a failure yet becomes one for the others. */
  #explain(transport: Transport, operation: string, sequence: number, error: unknown): unknown {
    this.#memory?.lane?.abandon();
    if (error instanceof FailureSignal) return toError(error.failure, operation, sequence);
    transport.fail(this.#ownFault(operation, sequence, error), true);
    return error;
  }

  /** Starts the deadline of a call; the function that is returned ends it. */
  #arm(transport: Transport, call: Call, envelope: Envelope, options: Deadline, lane?: Lane): () => void {
    const deadline = Math.min(options.timeout ?? this.world.timeout, MAX_TIMEOUT_MS);
    const state = { over: false };
    const timer = setTimeout(() => this.#expire(transport, call, envelope, deadline, state, lane), deadline);
    return () => {
      state.over = true;
      clearTimeout(timer);
    };
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
    lane: Lane | undefined,
  ): Promise<void> {
    const { message } = call;
    const operation = call.name ?? call.operation;
    const awaited = (): number[] => lane?.awaited ?? transport.awaited();
    const missing = message !== undefined
      ? [message.peer]
      : lane === undefined
      ? await transport.missing(this.id, envelope.sequence, this.ranks)
      : lane.isEntering
      ? lane.awaited
      : [];
    if (state.over) return;
    const ranks = missing.length > 0 ? missing : awaited();
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
