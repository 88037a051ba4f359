import type { AxisTable } from "../kernel.ts";
import type { BufferPool } from "./buffer_pool.ts";
import type { CommandQueue } from "./command_queue.ts";
import type { UploadedTable } from "./kernels/axis.ts";
import type { GpuResource } from "./resource_pool.ts";

/** Axis tables on the GPU, uploaded once per table object and released when that object is garbage. */
export class TableCache {
  readonly #buffers: BufferPool;
  readonly #queue: CommandQueue;
  readonly #uploaded = new WeakMap<AxisTable, UploadedTable>();
  readonly #collected: FinalizationRegistry<GpuResource>;
  #closed = false;

  constructor(buffers: BufferPool, queue: CommandQueue) {
    this.#buffers = buffers;
    this.#queue = queue;
    this.#collected = new FinalizationRegistry((resource) => {
      if (!this.#closed) buffers.release(resource);
    });
  }

  /** The table's buffer. */
  get(table: AxisTable): UploadedTable {
    let uploaded = this.#uploaded.get(table);
    if (!uploaded) {
      uploaded = this.#upload(table);
      this.#uploaded.set(table, uploaded);
      this.#collected.register(table, uploaded.resource);
    }
    return uploaded;
  }

  /** Stops releasing tables that become garbage; their memory is freed with the pool. */
  close(): void {
    this.#closed = true;
  }

  #upload({ offsets, indices, weights }: AxisTable): UploadedTable {
    const indicesAt = offsets.length;
    const weightsAt = indicesAt + indices.length;
    const words = new Int32Array(weightsAt + (weights?.length ?? 0));
    words.set(offsets);
    words.set(indices, indicesAt);
    if (weights) new Float32Array(words.buffer).set(weights, weightsAt);
    const resource = this.#buffers.acquire(words.length);
    this.#queue.writeBuffer(resource, 0, words);
    let longest = 0;
    for (let row = 1; row < offsets.length; row++) {
      longest = Math.max(longest, offsets[row] - offsets[row - 1]);
    }
    const rows = offsets.length - 1;
    const single = longest === 1 && indices.length === rows;
    return { resource, rows, weighted: weights !== undefined, longest, single, indicesAt, weightsAt };
  }
}
