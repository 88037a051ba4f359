import type { Device, DeviceBuffer } from "../compute/device.ts";
import { DeviceError } from "../compute/errors.ts";
import type { Kernel } from "../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * A device buffer with the number of arrays that look at it; the last one to leave releases it.
 *
 * @example A kernel on tensors: x^3 for x >= 0
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.from([0, 1, 2, 3]);
 * using cubes = Tensor.empty(x.shape);
 * const { device, buffer } = x.array.storage;
 * const view = { offset: 0, strides: [1] };
 * const power = { kind: "map", fn: "power", shape: [4], inputs: [view], output: view, scalars: [3, 0] } as const;
 * device.run(power, [buffer], cubes.array.storage.buffer);
 * assert((await cubes.data()).every((value, i) => Math.abs(value - i ** 3) < 1e-4));
 * ```
 */
export class Storage {
  #users = 1;

  /** With one user. */
  constructor(
    /** Where the buffer is. */
    readonly device: Device,
    /** The values. */
    readonly buffer: DeviceBuffer,
  ) {}

  /** One more user. */
  retain(): this {
    this.#users++;
    return this;
  }

  /** One user less. */
  release(): void {
    if (--this.#users === 0) this.device.release(this.buffer);
  }
}

/** What operations take and return: row-major values of a shape in a storage. */
export interface DeviceArray {
  /** The values. */
  readonly storage: Storage;
  /** Extents, outermost first. */
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

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, d) => extent === b[d]);
}

/**
 * A new array of the given shape, contents undefined.
 *
 * @throws {InvalidArgumentError} when an extent is not a whole number >= 0
 */
export function allocateArray(device: Device, shape: readonly number[]): DeviceArray {
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new InvalidArgumentError("make a tensor", "shape", "whole numbers >= 0", formatShape(shape));
    }
  }
  return { storage: new Storage(device, device.allocate(numelOf(shape))), shape: [...shape] };
}

/** A new array that `fill` writes; nothing stays allocated when it fails. */
export function filledArray(
  device: Device,
  shape: readonly number[],
  fill: (out: DeviceArray) => void,
): DeviceArray {
  const out = allocateArray(device, shape);
  try {
    fill(out);
    return out;
  } catch (error) {
    out.storage.release();
    throw error;
  }
}

/** A new array that one kernel computes from `inputs`, on their device. */
export function computedArray(
  device: Device,
  shape: readonly number[],
  kernel: Kernel,
  inputs: readonly DeviceArray[],
): DeviceArray {
  const buffers = inputs.map((input) => input.storage.buffer);
  return filledArray(device, shape, (out) => device.run(kernel, buffers, out.storage.buffer));
}

/**
 * The device that all arrays share.
 *
 * @throws {DeviceError} when they are on different ones
 */
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

/**
 * A dimension, counted from the end when negative.
 *
 * @throws {InvalidArgumentError} when an array of that rank does not have it
 */
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
