import type { DeviceBuffer } from "./device.ts";

/** The WebGPU objects behind a device, for another library that computes on it. */
export interface GpuSharing {
  /** The GPU device; the library must not destroy it. */
  readonly device: GPUDevice;

  /** Whether it can still compute: not once the device was closed. */
  readonly isOpen: boolean;

  /** The GPU buffer that holds a buffer's values from its start, once all work queued before is done. */
  expose(buffer: DeviceBuffer): GPUBuffer;

  /** Queues a copy of the first values of a GPU buffer of this device, as many as `target` has. */
  copyFrom(source: GPUBuffer, target: DeviceBuffer): void;
}
