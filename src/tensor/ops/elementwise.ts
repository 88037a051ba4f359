import type { Device } from "../../compute/device.ts";
import type { MapFunction } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, computedArray, type DeviceArray, numelOf, stridesOf } from "../array.ts";

/**
 * Elementwise function of one to three arrays with NumPy broadcasting.
 *
 * @param fn the function; `scalars` are its s and t
 * @throws {InvalidArgumentError} when the shapes do not broadcast
 */
export function elementwise(
  fn: MapFunction,
  arrays: readonly DeviceArray[],
  scalars: readonly [number, number] = [0, 0],
): DeviceArray {
  const device = commonDevice(fn, arrays);
  const shape = broadcastShapes(fn, arrays.map((array) => array.shape));
  const inputs = arrays.map((array) => ({ offset: 0, strides: broadcastStrides(array.shape, shape) }));
  const output = { offset: 0, strides: stridesOf(shape) };
  return computedArray(device, shape, { kind: "map", fn, shape, inputs, output, scalars }, arrays);
}

/** A new array of equal values. */
export function full(device: Device, shape: readonly number[], value: number): DeviceArray {
  const flat = [numelOf(shape)];
  const output = { offset: 0, strides: [1] };
  return computedArray(
    device,
    shape,
    { kind: "map", fn: "fill", shape: flat, inputs: [], output, scalars: [value, 0] },
    [],
  );
}

/** The shape that all shapes broadcast to: extents match from the right, or are 1. */
function broadcastShapes(action: string, shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, d) => {
    let extent = 1;
    for (const shape of shapes) {
      const own = shape[d - rank + shape.length] ?? 1;
      if (own === 1 || own === extent) continue;
      if (extent !== 1) {
        throw new InvalidArgumentError(
          action,
          "shapes",
          "equal or 1 in every dimension, counted from the right",
          shapes.map(formatShape).join(" and "),
        );
      }
      extent = own;
    }
    return extent;
  });
}

/** Strides that walk an array of shape `from` over the iteration space `to`: 0 where it is broadcast. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  return to.map((_, d) => {
    const source = d - to.length + from.length;
    return source < 0 || from[source] === 1 ? 0 : own[source];
  });
}
