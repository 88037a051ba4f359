import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, type DeviceArray, filledArray, resolveDim, sameShape, stridesOf } from "../array.ts";
import { copyView } from "./layout.ts";

/**
 * Joins arrays along a dimension.
 *
 * @throws {InvalidArgumentError} when there is none, or another extent differs
 */
export function cat(arrays: readonly DeviceArray[], dim: number): DeviceArray {
  if (arrays.length === 0) throw new InvalidArgumentError("cat", "tensors", "a list of at least one", "none");
  const device = commonDevice("cat", arrays);
  const first = arrays[0].shape;
  const axis = resolveDim("cat", dim, first.length);
  for (const { shape } of arrays) {
    if (shape.length !== first.length || !sameShape(shape.with(axis, first[axis]), first)) {
      throw new InvalidArgumentError(
        "cat",
        "shapes",
        `equal in every dimension but ${axis}`,
        `${formatShape(first)} and ${formatShape(shape)}`,
      );
    }
  }
  const shape = first.with(axis, arrays.reduce((sum, array) => sum + array.shape[axis], 0));
  const strides = stridesOf(shape);
  return filledArray(device, shape, (out) => {
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
  });
}

/**
 * Joins arrays of one shape along a new dimension.
 *
 * @throws {InvalidArgumentError} when there is none, or the shapes differ
 */
export function stack(arrays: readonly DeviceArray[], dim: number): DeviceArray {
  const first = arrays[0]?.shape;
  for (const { shape } of arrays) {
    if (!sameShape(shape, first)) {
      const got = `${formatShape(first)} and ${formatShape(shape)}`;
      throw new InvalidArgumentError("stack", "shapes", "equal", got);
    }
  }
  const axis = first ? resolveDim("stack", dim, first.length + 1) : 0;
  return cat(arrays.map(({ storage, shape }) => ({ storage, shape: shape.toSpliced(axis, 0, 1) })), axis);
}

/**
 * Writes `part` into `target`, its first value at `begin`.
 *
 * @throws {InvalidArgumentError} when the part does not lie inside, or is the target itself
 */
export function writeSlice(target: DeviceArray, part: DeviceArray, begin: readonly number[]): void {
  const device = commonDevice("write a slice", [target, part]);
  const inside = part.shape.length === target.shape.length && begin.length === target.shape.length &&
    part.shape.every((extent, d) =>
      Number.isInteger(begin[d]) && begin[d] >= 0 && begin[d] + extent <= target.shape[d]
    );
  if (part.storage === target.storage) {
    throw new InvalidArgumentError("write a slice", "part", "of other memory than the target", "the same");
  }
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
