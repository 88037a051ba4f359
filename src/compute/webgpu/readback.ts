import type { CommandQueue } from "./command_queue.ts";
import type { GpuResource } from "./resource_pool.ts";

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

function createStaging(gpu: GPUDevice, size: number): GPUBuffer {
  return gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
}

/** Waits for the GPU to be done with `staging`, and maps its first bytes. A failure is thrown by getMappedRange. */
function mapAtOnce(staging: GPUBuffer, bytes: number): ArrayBuffer {
  staging.mapAsync(GPUMapMode.READ, 0, bytes).catch(() => {});
  return staging.getMappedRange(0, bytes);
}
