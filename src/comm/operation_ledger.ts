/**
 * What this rank has called, against what the frames of other ranks say they have called: ranks that disagree about an
 * operation learn it from the first frame that crosses, not from a deadline.
 */

import { dtypeOfCode } from "./dtypes.ts";
import { type Failure, formatRanks } from "./errors.ts";
import { REDUCE_OPS } from "./reduce_ops.ts";
import type { TransportObserver } from "./transport/transport.ts";
import { type Envelope, operationCode, OPERATIONS } from "./wire.ts";

interface Seen {
  readonly source: number;
  readonly envelope: Envelope;
}

/** How many operations of one group this rank has called. */
export interface GroupCalls {
  /** Sequence number of the next one. */
  next: number;
}

/** See the file's description. */
export class OperationLedger implements TransportObserver {
  readonly #rank: number;
  readonly #calls = new Map<number, GroupCalls>();
  readonly #active = new Map<string, Envelope>();
  /** First frame of each operation that this rank has not called yet. */
  readonly #ahead = new Map<string, Seen[]>();

  /** @param rank this rank in the world */
  constructor(rank: number) {
    this.#rank = rank;
  }

  /** What this rank has called in a group; a group whose calls are compared by other means counts them itself. */
  callsOf(group: number): GroupCalls {
    let calls = this.#calls.get(group);
    if (calls === undefined) this.#calls.set(group, calls = { next: 0 });
    return calls;
  }

  /** Records that this rank calls the next operation of its group; returns why others disagree, if they do. */
  enter(envelope: Envelope): Failure | undefined {
    this.callsOf(envelope.group).next = envelope.sequence + 1;
    const key = `${envelope.group}/${envelope.sequence}`;
    this.#active.set(key, envelope);
    const seen = this.#ahead.get(key) ?? [];
    this.#ahead.delete(key);
    for (const { source, envelope: theirs } of seen) {
      if (!agree(envelope, theirs)) return this.#mismatch(envelope, source, theirs);
    }
    return undefined;
  }

  /** Records that the operation is over on this rank. */
  leave(envelope: Envelope): void {
    this.#active.delete(`${envelope.group}/${envelope.sequence}`);
  }

  inspect(source: number, theirs: Envelope): Failure | undefined {
    const key = `${theirs.group}/${theirs.sequence}`;
    const ours = this.#active.get(key);
    if (ours !== undefined) return agree(ours, theirs) ? undefined : this.#mismatch(ours, source, theirs);
    if (this.hasEntered(theirs.group, theirs.sequence)) {
      const detail = `rank ${source} is still in ${describe(theirs)}, which this rank has left`;
      return failure(theirs, [source], detail);
    }
    const seen = this.#ahead.get(key);
    if (seen === undefined) this.#ahead.set(key, [{ source, envelope: theirs }]);
    else if (seen.every((other) => other.source !== source)) seen.push({ source, envelope: theirs });
    return undefined;
  }

  hasEntered(group: number, sequence: number): boolean {
    return sequence < (this.#calls.get(group)?.next ?? 0);
  }

  #mismatch(ours: Envelope, source: number, theirs: Envelope): Failure {
    return disagreement(this.#rank, ours, source, theirs);
  }
}

/** The failure of two ranks that called different things. */
export function disagreement(rank: number, ours: Envelope, source: number, theirs: Envelope): Failure {
  const ranks = [rank, source].sort((a, b) => a - b);
  const calls = [{ rank, call: ours }, { rank: source, call: theirs }]
    .sort((a, b) => a.rank - b.rank)
    .map(({ rank, call }) => `rank ${rank} called ${describe(call)}`);
  return failure(ours, ranks, `${formatRanks(ranks)} disagree: ${calls.join(", ")}`);
}

function failure(envelope: Envelope, ranks: number[], detail: string): Failure {
  const { operation, sequence } = envelope;
  return { kind: "mismatch", operation: OPERATIONS[operation - 1], sequence, ranks, detail };
}

/** Whether two ranks called the same thing. */
export function agree(a: Envelope, b: Envelope): boolean {
  return a.operation === b.operation && a.reduceOp === b.reduceOp && a.root === b.root &&
    (a.dtype === b.dtype || a.dtype === 0 || b.dtype === 0) &&
    (a.count === b.count || a.count === -1 || b.count === -1);
}

/** A call as text: `allReduce(float32 x 3, sum)`. */
function describe(call: Envelope): string {
  const parts: string[] = [];
  const dtype = dtypeOfCode(call.dtype)?.name;
  if (dtype !== undefined) parts.push(call.count < 0 ? dtype : `${dtype} x ${call.count}`);
  if (call.reduceOp > 0) parts.push(REDUCE_OPS[call.reduceOp - 1]);
  if (call.operation === operationCode("newGroup")) parts.push(`ranks with checksum ${call.count}`);
  if (call.root >= 0) parts.push(`root ${call.root}`);
  return `${OPERATIONS[call.operation - 1]}(${parts.join(", ")})`;
}
