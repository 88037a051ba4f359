/**
 * What can go wrong between ranks. A {@link Failure} is the plain description that travels between ranks; each rank
 * turns it into the error class that its user sees.
 */

import { failAtExit } from "./exit_code.ts";

/** Where a failure was noticed and which ranks it concerns. */
export interface CollectiveErrorFields {
  /** Name of the operation, for example `"allReduce"`. */
  readonly operation: string;
  /** Position of the operation in its group, counted from 0. */
  readonly sequence: number;
  /** Ranks of the world that are missing, dead or in disagreement. */
  readonly ranks: readonly number[];
}

/** A process that has failed, or has left while others needed it. */
export interface FailedProcess {
  /** Its rank in the world. */
  readonly rank: number;
  /** Name of its host. */
  readonly host: string;
  /** Its process id on that host. */
  readonly pid: number;
  /** How it ended, for example `"exit code 3"`, `"uncaught Error: boom"` or `"connection broken"`. */
  readonly ending: string;
}

/**
 * Base of the errors that a communication call raises when its ranks cannot finish it together.
 *
 * @example Whatever goes wrong between ranks
 * ```ts
 * import assert from "node:assert/strict";
 * import { CollectiveError, connect } from "@deepinv/distributed/comm";
 *
 * const group = await connect();
 * await group.close();
 * try {
 *   await group.barrier();
 *   assert.fail("a closed group does nothing");
 * } catch (error) {
 *   if (!(error instanceof CollectiveError)) throw error;
 *   // its class says what happened; operation, sequence and ranks say where
 *   assert.deepEqual([error.name, error.operation, error.sequence], ["GroupClosedError", "barrier", 0]);
 * }
 * ```
 */
export abstract class CollectiveError extends Error implements CollectiveErrorFields {
  /** Name of the operation, for example `"allReduce"`. */
  readonly operation: string;
  /** Position of the operation in its group, counted from 0. */
  readonly sequence: number;
  /** Ranks of the world that are missing, dead or in disagreement, ascending. */
  readonly ranks: number[];

  /**
   * Makes the error.
   *
   * @param message what happened
   * @param fields the operation, its sequence number and the ranks concerned
   */
  constructor(message: string, fields: CollectiveErrorFields) {
    super(message);
    this.operation = fields.operation;
    this.sequence = fields.sequence;
    this.ranks = [...fields.ranks];
  }
}

/**
 * Some ranks did not take part in an operation before its deadline; `ranks` are the missing ones.
 *
 * @example Name the ranks that did not come
 * ```ts
 * import assert from "node:assert/strict";
 * import { CollectiveTimeoutError, type ProcessGroup } from "@deepinv/distributed/comm";
 *
 * async function missingRanks(group: Pick<ProcessGroup, "barrier">): Promise<number[]> {
 *   try {
 *     await group.barrier({ timeout: 5_000 });
 *     return [];
 *   } catch (error) {
 *     if (error instanceof CollectiveTimeoutError) return error.ranks;
 *     throw error;
 *   }
 * }
 *
 * // What a group of four raises when ranks 1 and 3 are late:
 * const message = "Cannot complete barrier #7: ranks 1, 3 did not show up within 5000 ms";
 * const error = new CollectiveTimeoutError(message, { operation: "barrier", sequence: 7, ranks: [1, 3] });
 * assert.deepEqual(await missingRanks({ barrier: () => Promise.reject(error) }), [1, 3]);
 * ```
 */
export class CollectiveTimeoutError extends CollectiveError {
  /** Class name, also across realms. */
  override readonly name = "CollectiveTimeoutError";
}

/**
 * A rank died, was lost, or left while others still communicated; `ranks` are those ranks.
 *
 * @example Which processes ended, and how
 * ```ts
 * import assert from "node:assert/strict";
 * import { type ProcessGroup, RankFailedError } from "@deepinv/distributed/comm";
 *
 * async function sumOrReport(group: Pick<ProcessGroup, "allReduce">, x: Float32Array): Promise<string> {
 *   try {
 *     return `sum ${await group.allReduce(x)}`;
 *   } catch (error) {
 *     if (!(error instanceof RankFailedError)) throw error;
 *     return error.processes.map(({ rank, host, ending }) => `rank ${rank} on ${host}: ${ending}`).join("\n");
 *   }
 * }
 *
 * // What the survivors of a job raise when rank 2 has ended:
 * const fields = { operation: "allReduce", sequence: 0, ranks: [2] };
 * const dead = { rank: 2, host: "node1", pid: 4711, ending: "exit code 3" };
 * const error = new RankFailedError("Cannot complete allReduce #0: rank 2 failed (exit code 3)", fields, [dead]);
 * const report = await sumOrReport({ allReduce: () => Promise.reject(error) }, Float32Array.of(1));
 * assert.equal(report, "rank 2 on node1: exit code 3");
 * ```
 */
export class RankFailedError extends CollectiveError {
  /** Class name, also across realms. */
  override readonly name = "RankFailedError";
  /** The processes of {@link ranks}, as far as they are known. */
  readonly processes: readonly FailedProcess[];

  /**
   * Makes the error.
   *
   * @param message what happened
   * @param fields the operation, its sequence number and the ranks concerned
   * @param processes what is known of the processes of those ranks
   */
  constructor(message: string, fields: CollectiveErrorFields, processes: readonly FailedProcess[] = []) {
    super(message, fields);
    this.processes = processes;
  }
}

/**
 * Ranks called different operations, or the same one with different dtypes, operators, roots or sizes.
 *
 * @example A bug in the script: the ranks' calls do not fit together
 * ```ts
 * import assert from "node:assert/strict";
 * import { CollectiveError, CollectiveMismatchError } from "@deepinv/distributed/comm";
 *
 * function advice(error: unknown): string {
 *   if (error instanceof CollectiveMismatchError) {
 *     return `${error.operation} #${error.sequence}: ranks ${error.ranks} called it with other sizes or types`;
 *   }
 *   return error instanceof CollectiveError ? "start again" : "unknown";
 * }
 *
 * // What all ranks raise when rank 1 gives allReduce another length:
 * const message = "Cannot complete allReduce #3: rank 1 has 5 elements, rank 0 has 4";
 * const error = new CollectiveMismatchError(message, { operation: "allReduce", sequence: 3, ranks: [1] });
 * assert.equal(advice(error), "allReduce #3: ranks 1 called it with other sizes or types");
 * ```
 */
export class CollectiveMismatchError extends CollectiveError {
  /** Class name, also across realms. */
  override readonly name = "CollectiveMismatchError";
}

/**
 * The group was closed on this rank, or cannot be used the way it was asked to.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { connect, GroupClosedError } from "@deepinv/distributed/comm";
 *
 * const group = await connect();
 * await group.close();
 * await assert.rejects(group.allReduce(Float32Array.of(1)), GroupClosedError); // no call works after the end
 * ```
 */
export class GroupClosedError extends CollectiveError {
  /** Class name, also across realms. */
  override readonly name = "GroupClosedError";
}

/** The kinds of failure that ranks tell each other about. */
export const FAILURE_KINDS = ["timeout", "rank", "mismatch", "closed"] as const;

/** A failure as data: what a rank tells the others when it gives up; `operation` is `""` outside any operation. */
export interface Failure extends CollectiveErrorFields {
  /** Which class of error it becomes. */
  readonly kind: typeof FAILURE_KINDS[number];
  /** What happened, as the end of a sentence. */
  readonly detail: string;
  /** The processes of a `"rank"` failure. */
  readonly processes?: readonly FailedProcess[];
}

/** The error of `failure` as seen by the call `operation` number `sequence` of this rank. */
export function toError(failure: Failure, operation: string, sequence: number): CollectiveError {
  const here = failure.operation === "" || (failure.operation === operation && failure.sequence === sequence);
  const where = here ? "" : ` (noticed in ${failure.operation} #${failure.sequence})`;
  const message = `Cannot complete ${operation} #${sequence}: ${failure.detail}${where}`;
  const fields = { operation, sequence, ranks: failure.ranks };
  if (failure.kind === "closed") return new GroupClosedError(message, fields);
  if (failure.kind === "mismatch") return new CollectiveMismatchError(message, fields);
  const error = failure.kind === "timeout"
    ? new CollectiveTimeoutError(message, fields)
    : new RankFailedError(message, fields, failure.processes);
  failAtExit(`${error.name}: ${message}`);
  return error;
}

/** `rank 3` or `ranks 1, 2`, for messages. */
export function formatRanks(ranks: readonly number[]): string {
  return `${ranks.length === 1 ? "rank" : "ranks"} ${ranks.join(", ")}`;
}

/** Carries a {@link Failure} through a rejected promise until the call that owns it names itself in the error. */
export class FailureSignal extends Error {
  /** @param failure what happened */
  constructor(readonly failure: Failure) {
    super(failure.detail);
  }
}
