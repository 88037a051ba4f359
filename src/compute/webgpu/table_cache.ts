import type { BufferPool } from "./buffer_pool.ts";
import type { CommandQueue } from "./command_queue.ts";
import type { GpuResource } from "./resource_pool.ts";

/** A table as the 32-bit words of one buffer. */
export interface TableWords {
  readonly words: Int32Array<ArrayBuffer>;
}

/** What shaders need to know of an uploaded table beside its words. */
export type Uploaded<Encoded extends TableWords> = Omit<Encoded, "words"> & {
  readonly resource: GpuResource;
};

/** Tables on the GPU, uploaded once per table object and released when that object is garbage. */
export class TableCache<Table extends WeakKey, Encoded extends TableWords> {
  readonly #buffers: BufferPool;
  readonly #queue: CommandQueue;
  readonly #encode: (table: Table) => Encoded;
  readonly #uploaded = new WeakMap<Table, Uploaded<Encoded>>();
  readonly #collected: FinalizationRegistry<GpuResource>;
  #closed = false;

  constructor(buffers: BufferPool, queue: CommandQueue, encode: (table: Table) => Encoded) {
    this.#buffers = buffers;
    this.#queue = queue;
    this.#encode = encode;
    this.#collected = new FinalizationRegistry((resource) => {
      if (!this.#closed) buffers.release(resource);
    });
  }

  /** The table's buffer. */
  get(table: Table): Uploaded<Encoded> {
    let uploaded = this.#uploaded.get(table);
    if (!uploaded) {
      const { words, ...facts } = this.#encode(table);
      const resource = this.#buffers.acquire(words.length);
      this.#queue.writeBuffer(resource, 0, words);
      uploaded = { ...facts, resource };
      this.#uploaded.set(table, uploaded);
      this.#collected.register(table, resource);
    }
    return uploaded;
  }

  /** Stops releasing tables that become garbage; their memory is freed with the pool. */
  close(): void {
    this.#closed = true;
  }
}
