/**
 * Short point-to-point messages between the ranks of one host: one ring of bytes for each ordered pair of ranks.
 *
 * The sender copies a record (header, payload) behind the last one and moves the ring's head; the receiver takes records in
 * order and moves its tail. A message that does not fit goes over ZeroMQ instead: messages are matched by their envelope,
 * not by their order. A rank that is about to sleep says so ({@link Mailboxes.sleep}); who then puts something into one of
 * its rings is told to wake it.
 */

import { LINE_BYTES } from "./flags.ts";
import type { Segment } from "./segment.ts";
import { EAGER, type Envelope, type Frame, Kind, NO_ENVELOPE, operationCode } from "../wire.ts";

/**
 * A record starts at a multiple of this: sequence f64 | group i32 | tag i32 | dtype i32 | payload bytes i32 | zero f64;
 * {@link SKIP} for the payload bytes means that the next record is at the start of the ring.
 */
const RECORD = 32;
const GROUP = 2, TAG = 3, DTYPE = 4, LENGTH = 5;
const SKIP = -1;
/** Bytes of all rings together, as far as rings get at least {@link LEAST_RING} and no more than {@link LARGEST_RING}. */
const RINGS = 2 << 20;
const LARGEST_RING = 256 * 1024;
const LEAST_RING = 4096;

/** Bytes of one ring between two of `size` ranks, a power of two; 0 where there are too many for any. */
function ringBytes(size: number): number {
  const bytes = 2 ** Math.floor(Math.log2(RINGS / size ** 2));
  return bytes < LEAST_RING ? 0 : Math.min(bytes, LARGEST_RING);
}

/** Bytes that the mailboxes of `size` ranks take. */
export function mailboxBytes(size: number): number {
  const ring = ringBytes(size);
  return ring === 0 ? 0 : size * LINE_BYTES + size * size * (2 * LINE_BYTES + ring);
}

/** See the file's description. */
export class Mailboxes {
  readonly #ranks: readonly number[];
  readonly #index: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #doubles: Float64Array<ArrayBuffer>;
  /** Word of the first rank's line, of the first ring's two lines, and address of the first ring. */
  readonly #sleepers: number;
  readonly #counters: number;
  readonly #rings: number;
  readonly #ring: number;

  /**
   * @param segment holds them
   * @param at address of the first byte, a multiple of a cache line
   * @param ranks world ranks that share the segment, ascending
   * @param index position of this rank among them
   */
  constructor(segment: Segment, at: number, ranks: readonly number[], index: number) {
    const { buffer } = segment;
    const { length: size } = ranks;
    this.#ranks = ranks;
    this.#index = index;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#ring = ringBytes(size);
    this.#sleepers = at / 4;
    this.#counters = this.#sleepers + size * (LINE_BYTES / 4);
    this.#rings = at + size * LINE_BYTES + size * size * 2 * LINE_BYTES;
  }

  /**
   * Puts a message of the operation `send` into the ring to the world rank `to`.
   *
   * @returns whether there was room, and whether the receiver has to be woken
   */
  put(to: number, envelope: Envelope, payload: Uint8Array): "full" | "put" | "put, asleep" {
    const other = this.#ranks.indexOf(to);
    const size = RECORD + Math.ceil(payload.length / RECORD) * RECORD;
    if (other < 0 || size > this.#ring / 2) return "full";
    const words = this.#words;
    const ring = this.#index * this.#ranks.length + other;
    const [head, tail] = [this.#head(ring), this.#head(ring) + LINE_BYTES / 4];
    let position = words[head];
    const behind = this.#ring - (position & this.#ring - 1);
    const skipped = size > behind ? behind : 0;
    if ((position - Atomics.load(words, tail) | 0) + skipped + size > this.#ring) return "full";
    if (skipped > 0) words[this.#address(ring, position) / 4 + LENGTH] = SKIP;
    position = position + skipped | 0;
    const at = this.#address(ring, position);
    this.#doubles[at / 8] = envelope.sequence;
    words[at / 4 + GROUP] = envelope.group;
    words[at / 4 + TAG] = envelope.tag;
    words[at / 4 + DTYPE] = envelope.dtype;
    words[at / 4 + LENGTH] = payload.length;
    this.#bytes.set(payload, at + RECORD);
    Atomics.store(words, head, position + size | 0);
    const sleeper = this.#sleepers + other * (LINE_BYTES / 4);
    return Atomics.load(words, sleeper) === 1 && Atomics.exchange(words, sleeper, 0) === 1
      ? "put, asleep"
      : "put";
  }

  /**
   * Takes what has arrived.
   *
   * @param deliver gets each message as the frame that would have carried it; its payload is valid during the call
   * @returns whether there was something
   */
  take(deliver: (frame: Frame, payload: Uint8Array) => void): boolean {
    const words = this.#words;
    let found = false;
    for (let from = 0; from < this.#ranks.length; from++) {
      const ring = from * this.#ranks.length + this.#index;
      const [head, tail] = [this.#head(ring), this.#head(ring) + LINE_BYTES / 4];
      let position = words[tail];
      for (const end = Atomics.load(words, head); position !== end;) {
        const at = this.#address(ring, position);
        const length = words[at / 4 + LENGTH];
        if (length === SKIP) {
          position = position + this.#ring - (position & this.#ring - 1) | 0;
          continue;
        }
        deliver(
          this.#frame(this.#ranks[from], at, length),
          this.#bytes.subarray(at + RECORD, at + RECORD + length),
        );
        position = position + RECORD + Math.ceil(length / RECORD) * RECORD | 0;
        found = true;
      }
      if (position !== words[tail]) Atomics.store(words, tail, position);
    }
    return found;
  }

  /** Announces that this rank is about to sleep; false if there is something to take instead. */
  sleep(): boolean {
    Atomics.store(this.#words, this.#ownSleeper, 1);
    if (!this.#isFilled()) return true;
    this.wake();
    return false;
  }

  /** This rank is awake: who puts something into its rings need not tell it. */
  wake(): void {
    Atomics.store(this.#words, this.#ownSleeper, 0);
  }

  #isFilled(): boolean {
    const words = this.#words;
    return this.#ranks.some((_, from) => {
      const head = this.#head(from * this.#ranks.length + this.#index);
      return Atomics.load(words, head) !== words[head + LINE_BYTES / 4];
    });
  }

  #frame(source: number, at: number, length: number): Frame {
    const word = at / 4;
    return {
      ...NO_ENVELOPE,
      ...{ kind: Kind.Data, flags: EAGER, source, operation: operationCode("send") },
      ...{ sequence: this.#doubles[at / 8], group: this.#words[word + GROUP] >>> 0 },
      ...{ tag: this.#words[word + TAG], dtype: this.#words[word + DTYPE] },
      ...{ total: length, offset: 0, payload: length, serial: 0, consumed: 0 },
    };
  }

  get #ownSleeper(): number {
    return this.#sleepers + this.#index * (LINE_BYTES / 4);
  }

  /** Word of a ring's head; its tail is one line further. */
  #head(ring: number): number {
    return this.#counters + ring * 2 * (LINE_BYTES / 4);
  }

  /** Address of a position of a ring. */
  #address(ring: number, position: number): number {
    return this.#rings + ring * this.#ring + (position & this.#ring - 1);
  }
}
