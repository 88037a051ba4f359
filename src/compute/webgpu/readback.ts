import type { BufferReader } from "../device.ts";
import type { CommandQueue } from "./command_queue.ts";
import { ReadAhead, StagingRing } from "./read_ahead.ts";
import type { GpuResource } from "./resource_pool.ts";
import { createStaging, mapAtOnce } from "./staging.ts";

/** Sizes of the staging buffers: a read uses the smallest that holds it, or several rounds of the largest. */
const STAGING_BYTES = [2 ** 16, 2 ** 20, 2 ** 24];

/**
 * Deno versions whose `mapAsync` has completed when it returns. There, on a staging buffer that was mapped and awaited
 * once before, `getMappedRange` may follow at once, and a read takes 0.1 ms instead of 11.
 */
const MAPS_AT_ONCE = /^2\.9\./;

/** Copies of GPU memory for JavaScript, through reused staging buffers. */
export class Readback {
  readonly #gpu: GPUDevice;
  readonly #queue: CommandQueue;
  readonly #staging: readonly GPUBuffer[];
  /** Of all readers so far; those that nobody uses. */
  readonly #rings = new Set<StagingRing>();
  readonly #idle: StagingRing[] = [];

  private constructor(gpu: GPUDevice, queue: CommandQueue, staging: readonly GPUBuffer[]) {
    this.#gpu = gpu;
    this.#queue = queue;
    this.#staging = staging;
  }

  /**
   * Prepares the staging buffers; each is mapped once here.
   *
   * @param atOnce whether reads may map without waiting; otherwise they await, which is safe everywhere
   */
  static async open(
    gpu: GPUDevice,
    queue: CommandQueue,
    atOnce: boolean = MAPS_AT_ONCE.test(Deno.version.deno),
  ): Promise<Readback> {
    if (!atOnce) return new Readback(gpu, queue, []);
    const staging = STAGING_BYTES.map((size) => createStaging(gpu, size));
    await Promise.all(staging.map((buffer) => buffer.mapAsync(GPUMapMode.READ)));
    for (const buffer of staging) buffer.unmap();
    return new Readback(gpu, queue, staging);
  }

  /** The first `length` values of `source`, after all work queued before this call. */
  async read(source: GpuResource, length: number): Promise<Float32Array> {
    return this.#staging.length > 0
      ? this.#readAtOnce(source, length)
      : await this.#readAwaiting(source, length);
  }

  /** Reads the first `length` values of `source` piece by piece, in order, while the GPU copies ahead. */
  reader(source: GpuResource, length: number): BufferReader {
    return this.#staging.length > 0 ? this.#readAhead(source, length) : this.#readWhole(source, length);
  }

  #readAhead(source: GpuResource, length: number): BufferReader {
    let ring: StagingRing | undefined;
    let ahead: ReadAhead | undefined;
    return {
      next: async (target) => {
        if (!ahead) {
          ring = this.#idle.pop() ?? await StagingRing.open(this.#gpu);
          this.#rings.add(ring);
          ahead = new ReadAhead(this.#queue, ring, source, length);
        }
        ahead.next(target);
      },
      end: async () => {
        ahead?.unmap();
        if (ring) this.#idle.push(ring);
        ring = undefined;
        return await Promise.resolve();
      },
    };
  }

  /** Where maps have to be awaited, which takes long, there is one. */
  #readWhole(source: GpuResource, length: number): BufferReader {
    let values: Float32Array | undefined;
    let at = 0;
    return {
      next: async (target) => {
        values ??= await this.#readAwaiting(source, length);
        target.set(values.subarray(at, at + target.length));
        at += target.length;
      },
      end: () => Promise.resolve(),
    };
  }

  /** Returns when all work queued before this call is done. */
  async wait(): Promise<void> {
    if (this.#staging.length === 0) {
      this.#queue.submit();
      return await this.#gpu.queue.onSubmittedWorkDone();
    }
    const [staging] = this.#staging;
    this.#queue.encoder().clearBuffer(staging, 0, 4);
    this.#queue.submit();
    mapAtOnce(staging, 4);
    staging.unmap();
  }

  /** Frees the staging buffers. */
  close(): void {
    for (const buffer of this.#staging) buffer.destroy();
    for (const ring of this.#rings) ring.close();
  }

  #readAtOnce(source: GpuResource, length: number): Float32Array {
    const values = new Float32Array(length);
    const total = length * 4;
    const staging = this.#staging.find(({ size }) => size >= total) ?? this.#staging.at(-1)!;
    for (let start = 0; start < total; start += staging.size) {
      const bytes = Math.min(staging.size, total - start);
      this.#copy(source, start, staging, bytes);
      values.set(new Float32Array(mapAtOnce(staging, bytes)), start / 4);
      staging.unmap();
    }
    return values;
  }

  async #readAwaiting(source: GpuResource, length: number): Promise<Float32Array> {
    const staging = createStaging(this.#gpu, Math.max(length * 4, 4));
    this.#copy(source, 0, staging, length * 4);
    await staging.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(staging.getMappedRange().slice(0, length * 4));
    staging.destroy();
    return values;
  }

  #copy(source: GpuResource, start: number, staging: GPUBuffer, bytes: number): void {
    if (bytes > 0) {
      this.#queue.encoder().copyBufferToBuffer(source.memory as GPUBuffer, start, staging, 0, bytes);
    }
    this.#queue.submit();
  }
}
