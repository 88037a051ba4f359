import { DeviceError } from "../errors.ts";
import type { Device, DeviceBuffer } from "../device.ts";
import { GpuResource, type ResourcePool } from "./resource_pool.ts";

/** A storage buffer, handed out to the floors above. */
export class WebGpuBuffer implements DeviceBuffer {
  /** Set once by release. */
  released = false;
  /** Times that its values were written. */
  version = 0;

  constructor(readonly device: Device, readonly length: number, readonly resource: GpuResource) {}
}

const SMALLEST_BYTES = 256;

/**
 * Bytes of the size class that holds `length` float32 values: eight classes per octave, so at most 12.5 % is wasted.
 * Multiples of 256 bytes, so the last values can be read and written four at a time.
 */
export function sizeClass(length: number): number {
  const bytes = Math.max(length * 4, SMALLEST_BYTES);
  const step = Math.max(2 ** (Math.floor(Math.log2(bytes)) - 3), SMALLEST_BYTES);
  return Math.ceil(bytes / step) * step;
}

/** Storage buffers by size class. */
export class BufferPool {
  readonly #gpu: GPUDevice;
  readonly #pool: ResourcePool;
  readonly #largest: number;

  constructor(gpu: GPUDevice, pool: ResourcePool) {
    this.#gpu = gpu;
    this.#pool = pool;
    const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    this.#largest = limit - limit % SMALLEST_BYTES;
  }

  /**
   * A storage buffer for `length` values.
   *
   * @throws {DeviceError} when a shader cannot bind so large a buffer on this adapter
   * @throws {OutOfMemoryError} when the budget would be exceeded
   */
  acquire(length: number): GpuResource {
    if (length * 4 > this.#largest) {
      throw new DeviceError(
        `Cannot allocate ${length} values: a buffer must be at most ${this.#largest} bytes on this adapter, ` +
          `got ${length * 4}; split the tensor or use the CPU backend`,
      );
    }
    const bytes = Math.min(sizeClass(length), this.#largest);
    return this.#pool.acquire(`buffer ${bytes}`, bytes, () => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = this.#gpu.createBuffer({ size: bytes, usage });
      return new GpuResource(bytes, { buffer }, buffer);
    });
  }

  /** Returns a buffer to its size class. */
  release(resource: GpuResource): void {
    this.#pool.release(`buffer ${resource.bytes}`, resource);
  }
}
