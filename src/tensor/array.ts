import type { Device, DeviceBuffer } from "../compute/device.ts";
import { DeviceError } from "../compute/errors.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** A device buffer with the number of arrays that look at it; the last one to leave releases it. */
export class Storage {
  #users = 1;

  constructor(readonly device: Device, readonly buffer: DeviceBuffer) {}

  retain(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users === 0) this.device.release(this.buffer);
  }
}

/** What operations take and return: row-major values of a shape in a storage. */
export interface DeviceArray {
  readonly storage: Storage;
  readonly shape: readonly number[];
}

/** The number of values of a shape; 1 for a scalar's empty shape. */
export function numelOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Row-major strides of a shape, in values. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, step = 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

/** A new array of the given shape, contents undefined. */
export function allocateArray(device: Device, shape: readonly number[]): DeviceArray {
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new InvalidArgumentError("make a tensor", "shape", "whole numbers >= 0", formatShape(shape));
    }
  }
  return { storage: new Storage(device, device.allocate(numelOf(shape))), shape: [...shape] };
}

/** The device that all arrays share. */
export function commonDevice(action: string, arrays: readonly DeviceArray[]): Device {
  const device = arrays[0].storage.device;
  for (const array of arrays) {
    if (array.storage.device !== device) {
      throw new DeviceError(
        `Cannot ${action}: its tensors are on different devices (${device.name}, ${array.storage.device.name})`,
      );
    }
  }
  return device;
}

/** A dimension counted from the end when negative, checked against the rank. */
export function resolveDim(action: string, dim: number, rank: number): number {
  const resolved = dim < 0 ? dim + rank : dim;
  if (!Number.isInteger(dim) || resolved < 0 || resolved >= rank) {
    throw new InvalidArgumentError(action, "dim", `a whole number in [${-rank}, ${rank - 1}]`, String(dim));
  }
  return resolved;
}

/** The dimensions named (all of them when absent), resolved, without repeats, ascending. */
export function resolveDims(
  action: string,
  dims: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (dims === undefined) return Array.from({ length: rank }, (_, d) => d);
  const list = typeof dims === "number" ? [dims] : dims;
  return [...new Set(list.map((dim) => resolveDim(action, dim, rank)))].sort((a, b) => a - b);
}
