import { InvalidArgumentError } from "../../util/errors.ts";
import type { BufferReader, Device, DeviceBuffer, MemoryReport } from "../device.ts";
import { DeviceError, OutOfMemoryError } from "../errors.ts";
import type { Kernel } from "../kernel.ts";
import { Arena, blockSize } from "./arena.ts";
import { axis } from "./axis.ts";
import type { CpuBuffer } from "./buffer.ts";
import { CpuConvEngine } from "./conv_engine.ts";
import { convolve } from "./convolve.ts";
import { correlate } from "./correlate.ts";
import { fft } from "./fft.ts";
import { gridding } from "./gridding.ts";
import { realFft } from "./kernels/real_fft.ts";
import { map } from "./map.ts";
import { matmul } from "./matmul.ts";
import { median } from "./median.ts";
import { radon } from "./radon.ts";
import { reduce } from "./reduce.ts";
import { ThreadPool } from "./threads/pool.ts";

/** A buffer inside the arena, or on the JavaScript heap (`address` undefined) once the arena's 4 GiB are full. */
class Allocation implements CpuBuffer {
  released = false;
  version = 0;

  constructor(
    readonly device: CpuDevice,
    readonly data: Float32Array,
    readonly address: number | undefined,
  ) {}

  get length(): number {
    return this.data.length;
  }
}

/**
 * The CPU backend: generated WebAssembly SIMD, and plain TypeScript for what little time is spent in. Kernels run at once;
 * the threads share large ones, and the results do not depend on their number.
 */
export class CpuDevice implements Device {
  readonly kind = "cpu";
  readonly name = "cpu (WebAssembly SIMD)";
  readonly isSoftwareAdapter = false;
  readonly conv: CpuConvEngine;
  readonly #arena: Arena;
  readonly #budget: number;
  readonly #threads: ThreadPool | undefined;
  #heapLive = 0;
  #peak = 0;
  #closed = false;

  /**
   * @param options.memoryBudget bytes; by default 80 % of the machine's memory
   * @param options.threads threads that share large layers; default 1: the calling one alone
   */
  constructor(options: { memoryBudget?: number; threads?: number } = {}) {
    const { threads = 1 } = options;
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new InvalidArgumentError(
        "open the cpu device",
        "threads",
        "a whole number >= 1",
        String(threads),
      );
    }
    this.#budget = options.memoryBudget ?? Math.floor(Deno.systemMemoryInfo().total * 0.8);
    this.#arena = new Arena(this.#budget);
    this.#threads = threads > 1 ? new ThreadPool(this.#arena, threads) : undefined;
    this.conv = new CpuConvEngine(this.#arena, undefined, this.#threads);
  }

  bufferBytes(length: number): number {
    return blockSize(length * 4);
  }

  allocate(length: number): DeviceBuffer {
    if (this.#closed) throw new DeviceError("Cannot allocate: the cpu device was closed");
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new InvalidArgumentError("allocate a buffer", "length", "a whole number >= 0", String(length));
    }
    const bytes = length * 4;
    const live = this.#arena.live + this.#heapLive;
    if (live + bytes > this.#budget) throw new OutOfMemoryError(this.name, bytes, live, this.#budget);
    this.#peak = Math.max(this.#peak, live + bytes);
    const address = this.#arena.allocate(bytes);
    if (address !== undefined) return new Allocation(this, this.#arena.view(address, length), address);
    this.#heapLive += bytes;
    return new Allocation(this, new Float32Array(length), undefined);
  }

  release(buffer: DeviceBuffer): void {
    if (this.#closed) return;
    const allocation = this.#own(buffer);
    allocation.released = true;
    this.conv.forget(allocation);
    if (allocation.address !== undefined) this.#arena.release(allocation.address, allocation.length * 4);
    else this.#heapLive -= allocation.length * 4;
  }

  write(buffer: DeviceBuffer, data: Float32Array, offset = 0): void {
    const own = this.#own(buffer);
    const target = own.data;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + data.length > target.length) {
      throw new InvalidArgumentError(
        "write to a buffer",
        "offset + data.length",
        `at most the buffer's ${target.length} values`,
        `${offset} + ${data.length}`,
      );
    }
    own.version++;
    target.set(data, offset);
  }

  async read(buffer: DeviceBuffer): Promise<Float32Array> {
    return await Promise.resolve(new Float32Array(this.#own(buffer).data));
  }

  reader(buffer: DeviceBuffer): BufferReader {
    const { data } = this.#own(buffer);
    let at = 0;
    return {
      next: (target) => target.set(data.subarray(at, at += target.length)),
      end: () => Promise.resolve(),
    };
  }

  run(kernel: Kernel, inputs: readonly DeviceBuffer[], output: DeviceBuffer): void {
    const sources = inputs.map((input) => this.#own(input).data);
    const result = this.#own(output);
    const target = result.data;
    result.version++;
    switch (kernel.kind) {
      case "map":
        return map(this.#arena, kernel, sources, target, this.#threads);
      case "reduce":
        return reduce(this.#arena, kernel, sources, target, this.#threads);
      case "axis":
        return axis(this.#arena, kernel, sources[0], target, this.#threads);
      case "correlate":
        return correlate(this.#arena, kernel, sources[0], sources[1], target, this.#threads);
      case "matmul":
        return matmul(this.#arena, kernel, sources[0], sources[1], target, this.#threads);
      case "median":
        return median(this.#arena, kernel, sources[0], target, this.#threads);
      case "convolve":
        return convolve(this.#arena, kernel, sources[0], sources[1], target, this.#threads);
      case "fft":
        return fft(this.#arena, kernel, sources[0], target, this.#threads);
      case "realFft":
        return realFft(kernel, sources[0], sources[1], target);
      case "radon":
        return radon(this.#arena, kernel, sources[0], sources[1], target, this.#threads);
      case "gridding":
        return gridding(this.#arena, kernel, sources[0], target, this.#threads);
      default:
        return kernel satisfies never;
    }
  }

  synchronize(): Promise<void> {
    return Promise.resolve();
  }

  memory(): MemoryReport {
    const live = this.#arena.live + this.#heapLive;
    return {
      live,
      pooled: this.#arena.pooled,
      peak: Math.max(this.#peak, this.#arena.peak, live),
      budget: this.#budget,
    };
  }

  close(): void {
    this.#closed = true;
    this.#threads?.close();
  }

  #own(buffer: DeviceBuffer): Allocation {
    if (!(buffer instanceof Allocation) || buffer.device !== this) {
      throw new DeviceError("Cannot use a buffer of another device on the cpu device");
    }
    if (this.#closed) throw new DeviceError("Cannot use a buffer: the cpu device was closed");
    if (buffer.released) throw new DeviceError("Cannot use a buffer that was released");
    return buffer;
  }
}
