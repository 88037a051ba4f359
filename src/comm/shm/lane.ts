/**
 * The shared memory of one group of ranks on one host, and the steps that all algorithms over it are made of.
 *
 * An operation starts when every rank has announced it: {@link Lane.enter} publishes this rank's call, with its payload if
 * that is short, waits for everybody's and compares them. Whoever has entered operation k knows that nobody is still in
 * k-1, so announcements alternate between two places, and staging memory is free again. Longer data go through the stage
 * in blocks: {@link STAGES} slots for each rank, and as many for results; three counters per rank say how many blocks it
 * has written, reduced and done with since the group was made.
 */

import { type Failure, FailureSignal } from "../errors.ts";
import { type Dtype, dtypeOf, type TypedArray } from "../dtypes.ts";
import { agree, disagreement } from "../operation_ledger.ts";
import { type Envelope, NO_ENVELOPE, OPERATIONS } from "../wire.ts";
import { Clock } from "./clock.ts";
import { Core } from "./core.ts";
import { Flags, LINE_BYTES, turnIfDue, type Watch } from "./flags.ts";
import { type LaneLayout, layoutOf, STAGES } from "./lane_layout.ts";
import type { Libc } from "./libc.ts";
import { ReduceKernels } from "./reduce_kernels.ts";
import type { Segment } from "./segment.ts";
import type { SharedArrays, SharedPlace } from "./shared_arrays.ts";

/** What a rank counts, beside the operations that it has entered. */
export const Count = { Written: 2, Reduced: 3, Done: 4 } as const;

/**
 * Words of an announcement: operation, element type and operator; root; float64 elements and bytes; shared array; whether
 * the rank has given up; float64 offset in the shared array.
 */
const CODE = 2, ROOT = 3, COUNT = 2, BYTES = 3, SHARED = 8, ABANDONED = 9, OFFSET = 5;
/** Where a payload starts that is in the announcement itself. */
const INLINE_AT = 48;
/** Longest payload in the announcement itself. */
const INLINE_BYTES = LINE_BYTES - INLINE_AT;

/** Who shares a lane. */
export interface LaneMembers {
  /** World ranks, ascending. */
  readonly ranks: readonly number[];
  /** Position of this process among them. */
  readonly index: number;
  /** Ranks of the job on this host, to compare with its cores. */
  readonly neighbours: number;
}

/** See the file's description. */
export class Lane {
  /** Position of this rank. */
  readonly index: number;
  /** Number of ranks. */
  readonly size: number;
  /** All bytes of the memory: addresses below are positions in it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where everything lies. */
  readonly layout: LaneLayout;
  /** Adds arrays that lie in the memory. */
  readonly kernels: ReduceKernels;
  /** The time. */
  readonly clock: Clock;
  readonly #ranks: readonly number[];
  readonly #watch: Watch;
  readonly #flags: Flags;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #doubles: Float64Array<ArrayBuffer>;
  readonly #arrays: SharedArrays;
  /** All memory as elements of each type, by its code. */
  readonly #views: (TypedArray | undefined)[] = [];
  #operation = 0;
  #blocks = 0;
  #entering = false;
  #envelope: Envelope = NO_ENVELOPE;

  /**
   * @param libc the C library
   * @param segment memory of {@link laneBytes} bytes
   * @param members who shares it
   * @param watch ends waits
   * @param arrays the arrays that live in shared memory
   */
  constructor(libc: Libc, segment: Segment, members: LaneMembers, watch: Watch, arrays: SharedArrays) {
    this.index = members.index;
    this.size = members.ranks.length;
    this.layout = layoutOf(this.size, segment.base);
    this.kernels = new ReduceKernels(segment.memory);
    const { buffer } = segment;
    this.bytes = new Uint8Array(buffer);
    this.#ranks = members.ranks;
    this.#watch = watch;
    this.#words = new Int32Array(buffer, this.layout.lines);
    this.#doubles = new Float64Array(buffer);
    this.#arrays = arrays;
    const pointer = Deno.UnsafePointer.of(this.#words);
    this.clock = new Clock(libc);
    const isCrowded = members.neighbours > navigator.hardwareConcurrency;
    const core = new Core(libc, this.clock, this.index === 0, isCrowded);
    this.#flags = new Flags(libc, this.#words, pointer, watch, core);
  }

  /** World ranks that are waited for now. */
  get awaited(): number[] {
    return this.#flags.awaited;
  }

  /** Whether the wait is for ranks that have not called the operation. */
  get isEntering(): boolean {
    return this.#entering;
  }

  /** Takes the number of the next operation, which is what `envelope` says. */
  start(envelope: Envelope): void {
    this.#operation = this.#operation + 1 | 0;
    this.#envelope = envelope;
  }

  /**
   * Announces this rank's call and waits for everybody's.
   *
   * @param data what this rank puts in; it is published at once if it is no longer than the layout's `smallBytes`
   * @param lengths numbers for the others to see, one for each rank
   * @param place where in shared memory the data live, if they do
   * @throws FailureSignal if the calls differ, or once the job has failed
   */
  enter(data?: TypedArray, lengths?: readonly number[], place?: SharedPlace): Promise<void> | undefined {
    const { index, size } = this;
    const { operation, dtype, reduceOp, root, count } = this.#envelope;
    const first = this.#firstLine;
    const line = this.#lineAddress(first + index);
    const word = (first + index) * (LINE_BYTES / 4);
    const length = data === undefined ? 0 : data.byteLength;
    this.#words[word + CODE] = operation | dtype << 8 | reduceOp << 16;
    this.#words[word + ROOT] = root;
    this.#words[word + SHARED] = place === undefined ? 0 : place.array.id;
    this.#doubles[line / 8 + COUNT] = count;
    this.#doubles[line / 8 + BYTES] = length;
    this.#doubles[line / 8 + OFFSET] = place === undefined ? 0 : place.offset;
    if (lengths !== undefined) this.#doubles.set(lengths, this.#listAt(index));
    if (length > 0 && length <= this.layout.smallBytes) {
      const at = this.payloadAt(index);
      const view = this.view(dtypeOf(data)!);
      view.set(data as never, at / view.BYTES_PER_ELEMENT);
    }
    this.#flags.post(first + index, this.#operation);
    for (let distance = 1; distance < size; distance++) {
      const other = (index + distance) % size;
      const wait = this.#flags.wait(first + other, this.#operation, this.#ranks[other]);
      if (wait !== undefined) return this.#enterSlowly(wait, distance);
    }
    return this.#compare();
  }

  async #enterSlowly(wait: Promise<void>, distance: number): Promise<void> {
    this.#entering = true;
    try {
      await wait;
      while (++distance < this.size) {
        const other = (this.index + distance) % this.size;
        await this.#flags.wait(this.#firstLine + other, this.#operation, this.#ranks[other]);
      }
    } finally {
      this.#entering = false;
    }
    await this.#compare();
  }

  /** Lets ranks that come to this operation later know that this one has given up: its announcement does not count. */
  abandon(): void {
    for (const line of [this.index, this.size + this.index]) {
      Atomics.store(this.#words, line * (LINE_BYTES / 4) + ABANDONED, 1);
    }
  }

  /** Bytes that the rank at `index` has put in. */
  bytesOf(index: number): number {
    return this.#doubles[this.#lineAddress(this.#firstLine + index) / 8 + BYTES];
  }

  /** Address of the short payload of the rank at `index`. */
  payloadAt(index: number): number {
    if (this.bytesOf(index) <= INLINE_BYTES) return this.#lineAddress(this.#firstLine + index) + INLINE_AT;
    const { small, smallBytes } = this.layout;
    return small + ((this.#operation & 1) * this.size + index) * smallBytes;
  }

  /** Bytes from one rank's short payload to the next one's, where all have the same length. */
  get payloadStride(): number {
    return this.bytesOf(0) <= INLINE_BYTES ? LINE_BYTES : this.layout.smallBytes;
  }

  /** Number `to` of those that the rank at `from` announced. */
  lengthOf(from: number, to: number): number {
    return this.#doubles[this.#listAt(from) + to];
  }

  /** Dtype code that the rank at `index` announced. */
  dtypeOf(index: number): number {
    return this.#words[(this.#firstLine + index) * (LINE_BYTES / 4) + CODE] >> 8 & 255;
  }

  /** Where in shared memory `data` live, if they live in an array of these ranks. */
  placeOf(data: TypedArray): SharedPlace | undefined {
    return this.#arrays.placeOf(data, this.#ranks);
  }

  /** Whether every rank has announced the place that this rank has. */
  sharesPlace(place: SharedPlace): boolean {
    for (let other = 0; other < this.size; other++) {
      const line = this.#firstLine + other;
      if (this.#words[line * (LINE_BYTES / 4) + SHARED] !== place.array.id) return false;
      if (this.#doubles[this.#lineAddress(line) / 8 + OFFSET] !== place.offset) return false;
    }
    return true;
  }

  /** All memory as elements of one type. */
  view(dtype: Dtype): TypedArray {
    return this.#views[dtype.code] ??= dtype.view(this.bytes.buffer);
  }

  /** Takes the numbers of the next `count` blocks; returns the first. All ranks take the same. */
  takeBlocks(count: number): number {
    const first = this.#blocks;
    this.#blocks = first + count | 0;
    return first;
  }

  /** Address of a rank's slot for a block, which counts from the operation's first. */
  stageAt(index: number, block: number): number {
    return this.layout.stage + (index * STAGES + block % STAGES) * this.layout.slotBytes;
  }

  /** Address of the result slot for a block. */
  resultAt(block: number): number {
    return this.layout.result + block % STAGES * this.layout.slotBytes;
  }

  /** Sets one of this rank's counters. */
  post(count: number, value: number): void {
    this.#flags.post(count * this.size + this.index, value | 0);
  }

  /** Waits until a counter of the rank at `index` has reached `value`. */
  wait(count: number, index: number, value: number): Promise<void> | undefined {
    return this.#flags.wait(count * this.size + index, value | 0, this.#ranks[index]);
  }

  /** Waits until a counter of every other rank has reached `value`; nothing is returned if that was soon. See {@link pause}. */
  waitAll(count: number, value: number): Promise<void> | undefined {
    for (let distance = 1; distance < this.size; distance++) {
      const wait = this.wait(count, (this.index + distance) % this.size, value);
      if (wait !== undefined) return wait.then(() => this.waitAll(count, value));
    }
    return this.pause();
  }

  /** Gives the event loop a turn if it has waited for long. @throws FailureSignal once the job has failed */
  pause(): Promise<void> | undefined {
    const { failure } = this.#watch;
    if (failure !== undefined) throw new FailureSignal(failure);
    return turnIfDue(this.clock.now())?.then(() => this.pause());
  }

  /** Gives up because the rank at `other` has given something else than this one. */
  refuse(other: number, detail: string): never {
    const ranks = [this.#ranks[this.index], this.#ranks[other]].sort((a, b) => a - b);
    const { operation, sequence } = this.#envelope;
    this.#fail({ kind: "mismatch", operation: OPERATIONS[operation - 1], sequence, ranks, detail });
  }

  /** Whether all have called the same; waits for the reason if somebody has given up meanwhile. */
  #compare(): Promise<void> | undefined {
    const words = this.#words;
    const first = this.#firstLine;
    const mine = (first + this.index) * (LINE_BYTES / 4);
    const count = this.#doubles[this.#lineAddress(first + this.index) / 8 + COUNT];
    for (let other = 0; other < this.size; other++) {
      const theirs = (first + other) * (LINE_BYTES / 4);
      const same = words[theirs + CODE] === words[mine + CODE] &&
        words[theirs + ROOT] === words[mine + ROOT] &&
        this.#doubles[this.#lineAddress(first + other) / 8 + COUNT] === count;
      if (!same) this.#compareWith(other, theirs);
      if (words[theirs + ABANDONED] !== 0) return this.#flags.failure(this.#ranks[other]);
    }
    return undefined;
  }

  #compareWith(other: number, word: number): void {
    const code = this.#words[word + CODE];
    const theirs: Envelope = {
      ...this.#envelope,
      operation: code & 255,
      dtype: code >> 8 & 255,
      reduceOp: code >> 16 & 255,
      root: this.#words[word + ROOT],
      count: this.#doubles[this.#lineAddress(this.#firstLine + other) / 8 + COUNT],
    };
    if (agree(this.#envelope, theirs)) return;
    this.#fail(disagreement(this.#ranks[this.index], this.#envelope, this.#ranks[other], theirs));
  }

  #fail(failure: Failure): never {
    this.#watch.fail(failure, true);
    throw new FailureSignal(this.#watch.failure ?? failure);
  }

  get #firstLine(): number {
    return (this.#operation & 1) * this.size;
  }

  #lineAddress(line: number): number {
    return this.layout.lines + line * LINE_BYTES;
  }

  #listAt(index: number): number {
    return (this.layout.lists + ((this.#operation & 1) * this.size + index) * this.size * 8) / 8;
  }
}
