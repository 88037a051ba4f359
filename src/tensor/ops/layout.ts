import type { Device } from "../../compute/device.ts";
import type { View } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { type DeviceArray, filledArray, numelOf, resolveDim, stridesOf } from "../array.ts";
import { broadcastStrides } from "./elementwise.ts";

/** A range along one dimension: `null` for all of it, or [start, stop, step]; negative positions count from the end. */
export type Range = null | readonly [start: number, stop?: number | null, step?: number];

/** Copies values between two strided views of one shape. */
export function copyView(
  device: Device,
  shape: readonly number[],
  from: { array: DeviceArray; view: View },
  to: { array: DeviceArray; view: View },
): void {
  device.run(
    { kind: "map", fn: "copy", shape, inputs: [from.view], output: to.view, scalars: [0, 0] },
    [from.array.storage.buffer],
    to.array.storage.buffer,
  );
}

function gathered(array: DeviceArray, shape: readonly number[], view: View): DeviceArray {
  const device = array.storage.device;
  const whole = { offset: 0, strides: stridesOf(shape) };
  return filledArray(
    device,
    shape,
    (out) => copyView(device, shape, { array, view }, { array: out, view: whole }),
  );
}

/**
 * The same values under another shape, in the same storage; one extent may be -1.
 *
 * @throws {InvalidArgumentError} when the number of values differs
 */
export function reshape(array: DeviceArray, shape: readonly number[]): DeviceArray {
  const numel = numelOf(array.shape);
  const known = numelOf(shape.filter((extent) => extent !== -1));
  const resolved = shape.map((extent) => (extent === -1 && known > 0 ? numel / known : extent));
  if (numelOf(resolved) !== numel || !resolved.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    throw new InvalidArgumentError("reshape", "shape", `one of ${numel} values`, formatShape(shape));
  }
  return { storage: array.storage.retain(), shape: resolved };
}

/**
 * Reorders the dimensions: out dimension d is input dimension `dims[d]`.
 *
 * @throws {InvalidArgumentError} when `dims` does not name every dimension once
 */
export function permute(array: DeviceArray, dims: readonly number[]): DeviceArray {
  const order = dims.map((dim) => resolveDim("permute", dim, array.shape.length));
  if (order.length !== array.shape.length || new Set(order).size !== order.length) {
    throw new InvalidArgumentError(
      "permute",
      "dims",
      `an order of ${array.shape.length} dimensions`,
      formatShape(dims),
    );
  }
  const strides = stridesOf(array.shape);
  return gathered(array, order.map((d) => array.shape[d]), {
    offset: 0,
    strides: order.map((d) => strides[d]),
  });
}

/**
 * Cuts a box out of an array; dimensions without a range are kept whole.
 *
 * @throws {InvalidArgumentError} for ranges that are too many, not whole, or of a step below 1
 */
export function slice(array: DeviceArray, ranges: readonly Range[]): DeviceArray {
  if (ranges.length > array.shape.length) {
    throw new InvalidArgumentError("slice", "ranges", `at most ${array.shape.length}`, String(ranges.length));
  }
  const strides = stridesOf(array.shape);
  let offset = 0;
  const shape = [...array.shape];
  ranges.forEach((range, d) => {
    if (!range) return;
    const { start, count, step } = resolveRange(range, array.shape[d]);
    offset += start * strides[d];
    strides[d] *= step;
    shape[d] = count;
  });
  return gathered(array, shape, { offset, strides });
}

function resolveRange(
  range: NonNullable<Range>,
  extent: number,
): { start: number; count: number; step: number } {
  const [first, last, step = 1] = range;
  if (
    !Number.isInteger(step) || step < 1 || !Number.isInteger(first) ||
    (last != null && !Number.isInteger(last))
  ) {
    throw new InvalidArgumentError(
      "slice",
      "a range",
      "[start, stop, step >= 1] in whole numbers",
      `[${range}]`,
    );
  }
  const clip = (position: number) =>
    Math.min(extent, Math.max(0, position < 0 ? position + extent : position));
  const start = clip(first), stop = clip(last ?? extent);
  return { start, count: Math.max(0, Math.ceil((stop - start) / step)), step };
}

/** Reverses the order along the given dimensions. */
export function flip(array: DeviceArray, dims: readonly number[]): DeviceArray {
  const strides = stridesOf(array.shape);
  let offset = 0;
  for (const dim of new Set(dims.map((d) => resolveDim("flip", d, array.shape.length)))) {
    offset += Math.max(0, array.shape[dim] - 1) * strides[dim];
    strides[dim] = -strides[dim];
  }
  return gathered(array, array.shape, { offset, strides });
}

/** Moves values by `shift` along a dimension; those that leave at one end enter at the other. */
export function roll(array: DeviceArray, shift: number, dim: number): DeviceArray {
  const axis = resolveDim("roll", dim, array.shape.length);
  if (!Number.isSafeInteger(shift)) {
    throw new InvalidArgumentError("roll", "shift", "a whole number", String(shift));
  }
  const device = array.storage.device, extent = array.shape[axis], strides = stridesOf(array.shape);
  const turn = extent === 0 ? 0 : ((shift % extent) + extent) % extent;
  return filledArray(device, array.shape, (out) => {
    for (const [from, to, count] of [[0, turn, extent - turn], [extent - turn, 0, turn]]) {
      const shape = array.shape.with(axis, count);
      copyView(
        device,
        shape,
        { array, view: { offset: from * strides[axis], strides } },
        { array: out, view: { offset: to * strides[axis], strides } },
      );
    }
  });
}

/**
 * Repeats an array along its dimensions of extent 1 (or new leading ones) until it has the given shape.
 *
 * @throws {InvalidArgumentError} when the array does not broadcast to it
 */
export function expand(array: DeviceArray, shape: readonly number[]): DeviceArray {
  const fits = array.shape.every((extent, k) => {
    const target = shape[k - array.shape.length + shape.length];
    return target !== undefined && (extent === 1 || extent === target);
  });
  if (!fits) {
    throw new InvalidArgumentError(
      "expand",
      "shape",
      `one that ${formatShape(array.shape)} broadcasts to`,
      formatShape(shape),
    );
  }
  return gathered(array, shape, { offset: 0, strides: broadcastStrides(array.shape, shape) });
}
