import type { CommandQueue } from "./command_queue.ts";
import type { GpuResource } from "./resource_pool.ts";
import { createStaging, mapAtOnce } from "./staging.ts";

/** Bytes copied at a time. */
const CHUNK_BYTES = 2 ** 19;
/** Copies under way while one is being read. */
const CHUNKS = 4;

/** Staging buffers that one reader after the other uses; each has been mapped once. */
export class StagingRing {
  private constructor(readonly buffers: readonly GPUBuffer[]) {}

  /** Creates and maps them. */
  static async open(gpu: GPUDevice): Promise<StagingRing> {
    const buffers = Array.from({ length: CHUNKS }, () => createStaging(gpu, CHUNK_BYTES));
    await Promise.all(buffers.map((buffer) => buffer.mapAsync(GPUMapMode.READ)));
    for (const buffer of buffers) buffer.unmap();
    return new StagingRing(buffers);
  }

  /** Frees them. */
  close(): void {
    for (const buffer of this.buffers) buffer.destroy();
  }
}

/**
 * Reads a buffer in order. Chunk k goes through staging buffer k mod {@link CHUNKS}: once it is read, the GPU is asked to
 * copy chunk k + CHUNKS there, so that it copies while JavaScript does something else.
 */
export class ReadAhead {
  readonly #queue: CommandQueue;
  readonly #ring: StagingRing;
  readonly #source: GpuResource;
  readonly #bytes: number;
  #mapped: Uint8Array | undefined;
  #read = 0;

  /** Asks for the first chunks. */
  constructor(queue: CommandQueue, ring: StagingRing, source: GpuResource, length: number) {
    this.#queue = queue;
    this.#ring = ring;
    this.#source = source;
    this.#bytes = length * 4;
    for (let chunk = 0; chunk < CHUNKS; chunk++) this.#request(chunk);
  }

  /** Fills `target` with the next values, all of which must exist. */
  next(target: Float32Array): void {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    for (let at = 0; at < bytes.length;) {
      const chunk = Math.floor(this.#read / CHUNK_BYTES);
      this.#mapped ??= new Uint8Array(mapAtOnce(this.#staging(chunk), this.#chunkBytes(chunk)));
      const from = this.#read - chunk * CHUNK_BYTES;
      const part = this.#mapped.subarray(from, from + bytes.length - at);
      bytes.set(part, at);
      at += part.length;
      this.#read += part.length;
      if (from + part.length === this.#mapped.length) {
        this.unmap();
        this.#request(chunk + CHUNKS);
      }
    }
  }

  /** Ends it, also before everything is read. */
  unmap(): void {
    if (!this.#mapped) return;
    this.#mapped = undefined;
    this.#staging(Math.ceil(this.#read / CHUNK_BYTES) - 1).unmap();
  }

  #request(chunk: number): void {
    const bytes = this.#chunkBytes(chunk);
    if (bytes <= 0) return;
    const source = this.#source.memory as GPUBuffer;
    this.#queue.encoder()
      .copyBufferToBuffer(source, chunk * CHUNK_BYTES, this.#staging(chunk), 0, bytes);
    this.#queue.submit();
  }

  #staging(chunk: number): GPUBuffer {
    return this.#ring.buffers[chunk % CHUNKS];
  }

  #chunkBytes(chunk: number): number {
    return Math.min(CHUNK_BYTES, this.#bytes - chunk * CHUNK_BYTES);
  }
}
