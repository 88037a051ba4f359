import type { DeviceBuffer } from "../device.ts";

/** A buffer of the CPU backend: its values lie in the arena, or on the JavaScript heap once the arena is full. */
export interface CpuBuffer extends DeviceBuffer {
  /** The values, in place. */
  readonly data: Float32Array;
  /** Times that they were written. */
  version: number;
  /** Whether it was given back. */
  released: boolean;
}
