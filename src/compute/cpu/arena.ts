import { InvalidArgumentError } from "../../util/errors.ts";
import { OutOfMemoryError } from "../errors.ts";
import { MAXIMUM_PAGES, MINIMUM_PAGES } from "./wasm/emitter.ts";

const PAGE = 65536;
const ALIGNMENT = 64;
/** Bytes of {@link Arena.staging}. */
const STAGING = 1 << 17;
/** The first bytes stay unused, so that no address is 0. */
const BASE = ALIGNMENT + STAGING;
/** Bytes by which the memory grows at least: growing is a system call, and untouched pages cost nothing. */
const GROWTH = 1 << 26;

/** A gap between allocated blocks. */
interface Gap {
  address: number;
  size: number;
}

/**
 * The WebAssembly memory in which tensors, feature maps and weights of the CPU backend live, so that generated kernels
 * work on them in place. Shared, so that threads can join.
 *
 * Blocks are handed out best fit from the gaps that released blocks leave (neighbouring gaps are joined), else from the
 * end of the used part. The memory grows on demand, up to 4 GiB, and never shrinks: that is WebAssembly's rule.
 */
export class Arena {
  /** What generated kernels import. */
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({
    initial: MINIMUM_PAGES,
    maximum: MAXIMUM_PAGES,
    shared: true,
  });
  /** Address of 128 KiB through which arrays outside the arena pass, piece by piece, when it has no room left. */
  readonly staging: number = ALIGNMENT;
  /** Bytes it may use at most. */
  readonly limit: number;
  /** Sorted by address; no two touch. */
  readonly #gaps: Gap[] = [];
  /** Sizes of the allocated blocks by address. */
  readonly #blocks: Map<number, number> = new Map();
  /** Growing gives a new buffer object over the same bytes; views of the older ones stay valid. */
  readonly #buffers: WeakSet<ArrayBufferLike> = new WeakSet();
  #end = BASE;
  #live = 0;
  #peak = 0;
  /** Frees blocks that were lent back with {@link Arena.keep}; set by who keeps them. */
  reclaim: (() => void) | undefined;

  /**
   * @param limit bytes it may use at most; 4 GiB at most
   * @throws {InvalidArgumentError} when the limit is not a positive number
   */
  constructor(limit: number = MAXIMUM_PAGES * PAGE) {
    if (!(limit > 0)) throw new InvalidArgumentError("create an arena", "limit", "positive", String(limit));
    this.limit = Math.min(limit, MAXIMUM_PAGES * PAGE);
    this.#buffers.add(this.memory.buffer);
  }

  /** Bytes in blocks that are allocated. */
  get live(): number {
    return this.#live;
  }

  /** Bytes in gaps between them. */
  get pooled(): number {
    return this.#end - BASE - this.#live;
  }

  /** The largest `live` so far. */
  get peak(): number {
    return this.#peak;
  }

  /**
   * The address of `bytes` bytes, a multiple of 64; contents undefined.
   *
   * @returns `undefined` when the limit, the 4 GiB or the system's memory are exhausted
   */
  allocate(bytes: number): number | undefined {
    const size = blockSize(bytes);
    let address = this.#fromGaps(size) ?? this.#fromEnd(size);
    if (address === undefined && this.reclaim) {
      this.reclaim();
      address = this.#fromGaps(size) ?? this.#fromEnd(size);
    }
    if (address === undefined) return undefined;
    this.#blocks.set(address, size);
    this.#live += size;
    this.#peak = Math.max(this.#peak, this.#live);
    return address;
  }

  /**
   * As {@link allocate}, for memory that nothing can replace.
   *
   * @throws {OutOfMemoryError} when the limit, the 4 GiB or the system's memory are exhausted
   */
  reserve(bytes: number): number {
    const address = this.allocate(bytes);
    if (address === undefined) throw new OutOfMemoryError("cpu", bytes, this.#live, this.limit);
    return address;
  }

  /** Runs `use` with `bytes` bytes that are its own until it returns. */
  borrow<T>(bytes: number, use: (address: number) => T): T {
    const address = this.reserve(bytes);
    try {
      return use(address);
    } finally {
      this.release(address, bytes);
    }
  }

  /**
   * Gives a block back.
   *
   * @throws {InvalidArgumentError} when no block of `bytes` bytes is allocated at `address`
   */
  release(address: number, bytes: number): void {
    const size = this.#blocks.get(address);
    if (size === undefined || size !== blockSize(bytes)) {
      const requirement = "an allocated block of this arena";
      throw new InvalidArgumentError(
        "release memory",
        "address",
        requirement,
        `${bytes} bytes at ${address}`,
      );
    }
    this.#blocks.delete(address);
    this.#live -= size;
    const index = this.#gapAfter(address);
    const before = this.#gaps[index - 1];
    const after = this.#gaps[index];
    const gap = { address, size };
    const joinsBefore = before !== undefined && before.address + before.size === address;
    const joinsAfter = after !== undefined && address + size === after.address;
    if (joinsBefore) {
      gap.address = before.address;
      gap.size += before.size;
    }
    if (joinsAfter) gap.size += after.size;
    const first = joinsBefore ? index - 1 : index;
    const joined = Number(joinsBefore) + Number(joinsAfter);
    if (gap.address + gap.size === this.#end) {
      this.#end = gap.address;
      this.#gaps.splice(first, joined);
    } else {
      this.#gaps.splice(first, joined, gap);
    }
  }

  /** Counts an allocated block as pooled from now on: its owner can do without it, see {@link Arena.reclaim}. */
  keep(bytes: number): void {
    this.#live -= blockSize(bytes);
  }

  /** Counts a block that was kept as live again. */
  reuse(bytes: number): void {
    this.#live += blockSize(bytes);
    this.#peak = Math.max(this.#peak, this.#live);
  }

  /** Gives a block back that was kept. */
  releaseKept(address: number, bytes: number): void {
    this.#live += blockSize(bytes);
    this.release(address, bytes);
  }

  /** `length` float32 values from `address` on. */
  view(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  /** Whether an array lies in this arena, so that its `byteOffset` is an address. */
  owns(array: Float32Array): boolean {
    return this.#buffers.has(array.buffer);
  }

  #fromGaps(size: number): number | undefined {
    let best = -1;
    for (let i = 0; i < this.#gaps.length; i++) {
      const gap = this.#gaps[i];
      if (gap.size >= size && (best < 0 || gap.size < this.#gaps[best].size)) best = i;
    }
    const gap = this.#gaps[best];
    if (gap === undefined) return undefined;
    const address = gap.address;
    if (gap.size === size) this.#gaps.splice(best, 1);
    else {
      gap.address += size;
      gap.size -= size;
    }
    return address;
  }

  #fromEnd(size: number): number | undefined {
    const address = this.#end;
    const end = address + size;
    if (end - BASE > this.limit || !this.#growTo(end)) return undefined;
    this.#end = end;
    return address;
  }

  /** Whether the memory reaches `bytes`, after growing where needed. */
  #growTo(bytes: number): boolean {
    const held = this.memory.buffer.byteLength;
    if (bytes <= held) return true;
    if (bytes > MAXIMUM_PAGES * PAGE) return false;
    const wanted = Math.min(MAXIMUM_PAGES * PAGE, Math.max(bytes, held + GROWTH));
    try {
      this.memory.grow(Math.ceil((wanted - held) / PAGE));
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.#buffers.add(this.memory.buffer);
    return true;
  }

  /** Index of the first gap behind `address`. */
  #gapAfter(address: number): number {
    let low = 0;
    let high = this.#gaps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#gaps[middle].address < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What a block of so many bytes takes. */
export function blockSize(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
}
