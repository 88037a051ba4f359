import type { ConvEngine } from "./conv_engine.ts";
import type { GpuSharing } from "./gpu_sharing.ts";
import type { Kernel } from "./kernel.ts";

/** Which backend computes: `"webgpu"` for Deno's own WebGPU, `"cpu"` for WebAssembly SIMD and TypeScript. */
export type DeviceKind = "cpu" | "webgpu";

/** A run of float32 values that a device owns. Opaque: only its device can look inside. */
export interface DeviceBuffer {
  /** The device that allocated it. */
  readonly device: Device;
  /** Number of float32 values. */
  readonly length: number;
}

/** Reads a buffer's values in order, piece by piece. The buffer must stay live and as it is until the end. */
export interface BufferReader {
  /** Fills `target` with the next values, all of which must exist; one call at a time. */
  next(target: Float32Array): Promise<void> | void;
  /** Ends it, at any value. @throws {DeviceError} what failed on the device */
  end(): Promise<void>;
}

/** What a device holds, in bytes. */
export interface MemoryReport {
  /** In buffers and feature maps that were allocated and not yet released. */
  readonly live: number;
  /** Released, and kept for reuse. */
  readonly pooled: number;
  /** The largest `live` so far. */
  readonly peak: number;
  /** What `live + pooled` may reach; pooled memory is given back first. */
  readonly budget: number;
}

/**
 * The one door between the floors that know tensors and the hardware.
 *
 * Work is queued in order: `run`, `write` and the convolution engine return at once, `read` waits for all that was
 * queued before it. Memory is explicit: what `allocate` returns is released exactly once.
 */
export interface Device {
  /** The backend behind the door. */
  readonly kind: DeviceKind;
  /** What computes, for people: the adapter's name, or the CPU backend's. */
  readonly name: string;
  /** Whether a WebGPU adapter is emulated on the CPU (Mesa's lavapipe); `false` for the CPU backend. */
  readonly isSoftwareAdapter: boolean;
  /** Convolutional networks on this device's own activation layout. */
  readonly conv: ConvEngine;
  /** For other libraries that compute on the same GPU; only where there is one. */
  readonly sharing?: GpuSharing;

  /** Bytes that a buffer of `length` values takes. */
  bufferBytes(length: number): number;

  /**
   * A buffer of `length` values, contents undefined.
   *
   * @throws {OutOfMemoryError} when the device's memory budget would be exceeded
   */
  allocate(length: number): DeviceBuffer;

  /**
   * Gives a buffer back to the pool. Work already queued on it still completes. Does nothing once the device is closed,
   * so that tensors which the garbage collector finds later may go in any order.
   */
  release(buffer: DeviceBuffer): void;

  /**
   * Copies `data` into `buffer`, starting at value `offset`; `data` may change afterwards.
   *
   * @throws {InvalidArgumentError} when the data do not fit
   */
  write(buffer: DeviceBuffer, data: Float32Array, offset?: number): void;

  /** A fresh copy of the buffer's values, once all queued work is done. */
  read(buffer: DeviceBuffer): Promise<Float32Array>;

  /** A reader of the buffer's values, after all work queued before its first piece; the device copies ahead of it. */
  reader(buffer: DeviceBuffer): BufferReader;

  /** Queues one kernel. Inputs and output must not overlap unless the kernel says it may run in place. */
  run(kernel: Kernel, inputs: readonly DeviceBuffer[], output: DeviceBuffer): void;

  /** Waits for all queued work. */
  synchronize(): Promise<void>;

  /** What the device holds now. */
  memory(): MemoryReport;

  /** Frees everything; closing twice does nothing. All that may be called afterwards is `release`. */
  close(): void;
}
