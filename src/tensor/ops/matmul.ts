import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { allocateArray, commonDevice, type DeviceArray, numelOf } from "../array.ts";

/** Matrix product of (..., m, k) and (..., k, n); leading dimensions must be equal. */
export function matmul(a: DeviceArray, b: DeviceArray): DeviceArray {
  const device = commonDevice("matmul", [a, b]);
  const lead = a.shape.slice(0, -2), other = b.shape.slice(0, -2);
  const [m, k] = a.shape.slice(-2), [rows, n] = b.shape.slice(-2);
  const fits = a.shape.length >= 2 && b.shape.length >= 2 && k === rows && lead.length === other.length &&
    lead.every((extent, d) => extent === other[d]);
  if (!fits) {
    throw new InvalidArgumentError(
      "matmul",
      "shapes",
      "(..., m, k) and (..., k, n) with equal leading dimensions",
      `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  }
  const out = allocateArray(device, [...lead, m, n]);
  device.run(
    { kind: "matmul", batch: numelOf(lead), m, k, n },
    [a.storage.buffer, b.storage.buffer],
    out.storage.buffer,
  );
  return out;
}
