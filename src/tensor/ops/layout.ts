import type { Device } from "../../compute/device.ts";
import type { View } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { allocateArray, commonDevice, type DeviceArray, resolveDim, stridesOf } from "../array.ts";
import { broadcastStrides } from "./elementwise.ts";

/** A range along one dimension: `null` for all of it, or [start, stop, step]; negative positions count from the end. */
export type Range = null | readonly [start: number, stop?: number | null, step?: number];

/** out[index] = in[view]: copies `shape` values between two strided views. */
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
  const out = allocateArray(device, shape);
  copyView(device, shape, { array, view }, { array: out, view: { offset: 0, strides: stridesOf(shape) } });
  return out;
}

/** Reorders the dimensions: out dimension d is input dimension `dims[d]`. */
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

/** Cuts a box out of an array; dimensions without a range are kept whole. */
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

/** Joins arrays along a dimension; all other extents must match. */
export function cat(arrays: readonly DeviceArray[], dim: number): DeviceArray {
  if (arrays.length === 0) throw new InvalidArgumentError("cat", "tensors", "a list of at least one", "none");
  const device = commonDevice("cat", arrays);
  const first = arrays[0].shape;
  const axis = resolveDim("cat", dim, first.length);
  for (const { shape } of arrays) {
    if (shape.length !== first.length || shape.some((extent, d) => d !== axis && extent !== first[d])) {
      throw new InvalidArgumentError(
        "cat",
        "shapes",
        `equal in every dimension but ${axis}`,
        `${formatShape(first)} and ${formatShape(shape)}`,
      );
    }
  }
  const shape = [...first];
  shape[axis] = arrays.reduce((sum, array) => sum + array.shape[axis], 0);
  const out = allocateArray(device, shape);
  const strides = stridesOf(shape);
  let at = 0;
  for (const array of arrays) {
    copyView(
      device,
      array.shape,
      { array, view: { offset: 0, strides: stridesOf(array.shape) } },
      { array: out, view: { offset: at * strides[axis], strides } },
    );
    at += array.shape[axis];
  }
  return out;
}

/** Repeats an array along its dimensions of extent 1 (or new leading ones) until it has the given shape. */
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

/** Writes `part` into `target` with its first value at `begin`; the part must lie inside. */
export function writeSlice(target: DeviceArray, part: DeviceArray, begin: readonly number[]): void {
  const device = commonDevice("write a slice", [target, part]);
  const inside = part.shape.length === target.shape.length && begin.length === target.shape.length &&
    part.shape.every((extent, d) => begin[d] >= 0 && begin[d] + extent <= target.shape[d]);
  if (!inside) {
    throw new InvalidArgumentError(
      "write a slice",
      "part",
      `inside ${formatShape(target.shape)}`,
      `${formatShape(part.shape)} at ${formatShape(begin)}`,
    );
  }
  const strides = stridesOf(target.shape);
  copyView(
    device,
    part.shape,
    { array: part, view: { offset: 0, strides: stridesOf(part.shape) } },
    { array: target, view: { offset: begin.reduce((sum, b, d) => sum + b * strides[d], 0), strides } },
  );
}
