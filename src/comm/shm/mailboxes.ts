/**
 * Point-to-point messages between the ranks of one host: one ring of bytes for each ordered pair of ranks.
 *
 * The sender copies a record (header, payload) behind the last one and moves the ring's head; the receiver takes records in
 * order and moves its tail. A short message is one record; if it does not fit it goes over ZeroMQ instead: messages are
 * matched by their envelope, not by their order. A long one goes in pieces as far as its receiver has granted them, each
 * once there is room ({@link Mailboxes.hasRoom}). A rank that is about to sleep says so ({@link Mailboxes.sleep}); who then
 * puts something into one of its rings, or makes the room that it waits for, is told to wake it.
 */

import { LINE_BYTES } from "./flags.ts";
import type { Segment } from "./segment.ts";
import { EAGER, type Envelope, type Frame, Kind, NO_ENVELOPE, operationCode } from "../wire.ts";

/** What a record says beside the envelope; see {@link Frame}. By default it is a whole message. */
export interface RecordFields {
  readonly kind: number;
  readonly total?: number;
  readonly offset?: number;
  readonly consumed?: number;
}

/**
 * A record starts at a multiple of this: sequence f64 | group i32 | tag i32 | dtype i32 | payload bytes i32 | total f64 |
 * offset f64 | consumed f64 | kind and flags i32; {@link SKIP} for the payload bytes means that the next record is at the
 * start of the ring.
 */
const RECORD = 64;
const GROUP = 2, TAG = 3, DTYPE = 4, LENGTH = 5, KIND = 12;
const TOTAL = 3, OFFSET = 4, CONSUMED = 5;
const SKIP = -1;
/** Kind and flags of a whole message. */
const WHOLE = Kind.Data | EAGER << 8;
/** Bytes of all rings together, as far as rings get at least {@link LEAST_RING} and no more than {@link LARGEST_RING}. */
const RINGS = 8 << 20;
const LARGEST_RING = 1 << 20;
const LEAST_RING = 4096;
const LEAST_RING_FOR_PIECES = 32 * 1024;
/** Word behind a ring's tail: 1 while the sender sleeps until there is room. */
const WANTS_ROOM = 1;

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
  /** World ranks to which pieces wait for room. */
  readonly #blocked = new Set<number>();

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

  /** Longest piece of a long message; 0 where rings are too short for pieces to be worth while. */
  get pieceBytes(): number {
    return this.#ring < LEAST_RING_FOR_PIECES ? 0 : this.#ring / 4 - RECORD;
  }

  /** Whether the world rank `rank` has rings. */
  reaches(rank: number): boolean {
    return this.#ranks.includes(rank);
  }

  /** Whether a piece to the world rank `to` can be put now; if not, {@link freed} will tell. */
  hasRoom(to: number): boolean {
    const ring = this.#ringTo(to);
    const hasRoom = this.#skipped(ring, RECORD + this.pieceBytes) >= 0;
    if (!hasRoom) this.#blocked.add(to);
    return hasRoom;
  }

  /** Those of the ranks that had no room that have some now; each is told once. */
  freed(): number[] {
    if (this.#blocked.size === 0) return [];
    const blocked = [...this.#blocked];
    this.#blocked.clear();
    return blocked.filter((to) => this.hasRoom(to));
  }

  /**
   * Puts a message of the operation `send`, or what `fields` say about one, into the ring to the world rank `to`.
   *
   * @returns whether there was room, and whether the receiver has to be woken
   */
  put(
    to: number,
    envelope: Envelope,
    payload: Uint8Array,
    fields?: RecordFields,
  ): "full" | "put" | "put, asleep" {
    const other = this.#ranks.indexOf(to);
    const size = RECORD + Math.ceil(payload.length / RECORD) * RECORD;
    if (other < 0) return "full";
    const words = this.#words;
    const ring = this.#ringTo(to);
    const head = this.#head(ring);
    const skipped = this.#skipped(ring, size);
    if (skipped < 0) return "full";
    let position = words[head];
    if (skipped > 0) words[this.#address(ring, position) / 4 + LENGTH] = SKIP;
    position = position + skipped | 0;
    const at = this.#address(ring, position);
    this.#doubles[at / 8] = envelope.sequence;
    words[at / 4 + GROUP] = envelope.group;
    words[at / 4 + TAG] = envelope.tag;
    words[at / 4 + DTYPE] = envelope.dtype;
    words[at / 4 + LENGTH] = payload.length;
    words[at / 4 + KIND] = fields?.kind ?? WHOLE;
    this.#doubles[at / 8 + TOTAL] = fields === undefined ? payload.length : fields.total ?? 0;
    this.#doubles[at / 8 + OFFSET] = fields?.offset ?? 0;
    this.#doubles[at / 8 + CONSUMED] = fields?.consumed ?? 0;
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
   * @param deliver gets each record as the frame that would have carried it; its payload is valid during the call
   * @param wake gets the world ranks that sleep until there is room
   * @returns whether there was something
   */
  take(deliver: (frame: Frame, payload: Uint8Array) => void, wake?: (rank: number) => void): boolean {
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
        Atomics.store(words, tail, position);
        found = true;
      }
      if (Atomics.load(words, tail + WANTS_ROOM) === 1 && this.#spare(ring) >= this.#ring / 2) {
        if (Atomics.exchange(words, tail + WANTS_ROOM, 0) === 1) wake?.(this.#ranks[from]);
      }
    }
    return found;
  }

  /** Announces that this rank is about to sleep; false if there is something to take or room to fill instead. */
  sleep(): boolean {
    Atomics.store(this.#words, this.#ownSleeper, 1);
    this.#wantRoom(1);
    if (!this.#isFilled() && ![...this.#blocked].some((to) => this.hasRoom(to))) return true;
    this.wake();
    return false;
  }

  /** This rank is awake: who puts something into its rings need not tell it. */
  wake(): void {
    Atomics.store(this.#words, this.#ownSleeper, 0);
    this.#wantRoom(0);
  }

  #wantRoom(value: number): void {
    for (const to of this.#blocked) {
      Atomics.store(this.#words, this.#head(this.#ringTo(to)) + LINE_BYTES / 4 + WANTS_ROOM, value);
    }
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
    const kind = this.#words[word + KIND];
    const number = at / 8;
    return {
      ...NO_ENVELOPE,
      ...{ kind: kind & 255, flags: kind >> 8, source, operation: operationCode("send") },
      ...{ sequence: this.#doubles[at / 8], group: this.#words[word + GROUP] >>> 0 },
      ...{ tag: this.#words[word + TAG], dtype: this.#words[word + DTYPE] },
      ...{ total: this.#doubles[number + TOTAL], offset: this.#doubles[number + OFFSET], payload: length },
      ...{ serial: 0, consumed: this.#doubles[number + CONSUMED] },
    };
  }

  /** The ring from this rank to the world rank `to`. */
  #ringTo(to: number): number {
    return this.#index * this.#ranks.length + this.#ranks.indexOf(to);
  }

  /** Bytes of a ring that hold nothing. */
  #spare(ring: number): number {
    const head = this.#head(ring);
    return this.#ring -
      (Atomics.load(this.#words, head) - Atomics.load(this.#words, head + LINE_BYTES / 4) | 0);
  }

  /** Bytes to leave out at the end of a ring before a record of `size` bytes; -1 if there is no room for it. */
  #skipped(ring: number, size: number): number {
    const behind = this.#ring - (this.#words[this.#head(ring)] & this.#ring - 1);
    const skipped = size > behind ? behind : 0;
    return skipped + size > this.#spare(ring) ? -1 : skipped;
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
