import type { ReduceKernel } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, computedArray, type DeviceArray, numelOf, resolveDims, sameShape } from "../array.ts";
import { permute } from "./layout.ts";

/**
 * Reduces over the given dimensions (all by default).
 *
 * @param arrays one array, or two of one shape for `dot`
 * @param keepDims keeps the reduced dimensions with extent 1
 * @throws {InvalidArgumentError} when the shapes differ or a dimension does not exist
 */
export function reduce(
  fn: ReduceKernel["fn"],
  arrays: readonly DeviceArray[],
  dims?: number | readonly number[],
  keepDims = false,
): DeviceArray {
  const device = commonDevice(fn, arrays);
  const shape = arrays[0].shape;
  for (const array of arrays) {
    if (!sameShape(array.shape, shape)) {
      throw new InvalidArgumentError(
        fn,
        "the other tensor",
        `of shape ${formatShape(shape)}`,
        formatShape(array.shape),
      );
    }
  }
  const reduced = resolveDims(fn, dims, shape.length);
  const kept = shape.map((_, d) => d).filter((d) => !reduced.includes(d));
  const outShape = keepDims
    ? shape.map((extent, d) => (reduced.includes(d) ? 1 : extent))
    : kept.map((d) => shape[d]);
  const rows = numelOf(kept.map((d) => shape[d])), length = numelOf(reduced.map((d) => shape[d]));
  const rowMajor = reduced.every((d, k) => d === kept.length + k);
  const moved: DeviceArray[] = [];
  try {
    if (!rowMajor) { for (const array of arrays) moved.push(permute(array, [...kept, ...reduced])); }
    return computedArray(device, outShape, { kind: "reduce", fn, rows, length }, rowMajor ? arrays : moved);
  } finally {
    for (const array of moved) array.storage.release();
  }
}
