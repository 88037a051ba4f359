import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, computedArray, type DeviceArray, numelOf, sameShape } from "../array.ts";

/**
 * Matrix product of (..., m, k) and (..., k, n).
 *
 * @throws {InvalidArgumentError} when the inner extents or the leading dimensions differ
 */
export function matmul(a: DeviceArray, b: DeviceArray): DeviceArray {
  const device = commonDevice("matmul", [a, b]);
  const lead = a.shape.slice(0, -2), other = b.shape.slice(0, -2);
  const [m, k] = a.shape.slice(-2), [rows, n] = b.shape.slice(-2);
  const fits = a.shape.length >= 2 && b.shape.length >= 2 && k === rows &&
    sameShape(lead, other);
  if (!fits) {
    throw new InvalidArgumentError(
      "matmul",
      "shapes",
      "(..., m, k) and (..., k, n) with equal leading dimensions",
      `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  }
  const batch = numelOf(lead);
  return computedArray(device, [...lead, m, n], { kind: "matmul", batch, m, k, n }, [a, b]);
}
