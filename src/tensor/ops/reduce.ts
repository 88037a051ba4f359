import type { ReduceKernel } from "../../compute/kernel.ts";
import { allocateArray, commonDevice, type DeviceArray, numelOf, resolveDims } from "../array.ts";
import { permute } from "./layout.ts";

/**
 * Reduces over the given dimensions (all by default).
 *
 * @param arrays one array, or two of the same shape for `dot`
 * @param keepDims keeps the reduced dimensions with extent 1
 */
export function reduce(
  fn: ReduceKernel["fn"],
  arrays: readonly DeviceArray[],
  dims?: number | readonly number[],
  keepDims = false,
): DeviceArray {
  const device = commonDevice(fn, arrays);
  const shape = arrays[0].shape;
  const reduced = resolveDims(fn, dims, shape.length);
  const kept = shape.map((_, d) => d).filter((d) => !reduced.includes(d));
  const ordered = reduced.every((d, k) => d === kept.length + k);
  const sources = ordered ? arrays : arrays.map((array) => permute(array, [...kept, ...reduced]));
  const out = allocateArray(
    device,
    keepDims ? shape.map((extent, d) => (reduced.includes(d) ? 1 : extent)) : kept.map((d) => shape[d]),
  );
  device.run(
    {
      kind: "reduce",
      fn,
      rows: numelOf(kept.map((d) => shape[d])),
      length: numelOf(reduced.map((d) => shape[d])),
    },
    sources.map((source) => source.storage.buffer),
    out.storage.buffer,
  );
  if (!ordered) sources.forEach((source) => source.storage.release());
  return out;
}
