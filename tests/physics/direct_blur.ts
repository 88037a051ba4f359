import type { BlurPadding } from "../../src/physics/mod.ts";
import { Plain } from "../tensor/plain.ts";

/** The blur by its definition in float64: y[n] = sum_m h[m] x~[n - m + c], or x[n + size - 1 - m] for "valid". */
export function convolved(x: Plain, h: Plain, padding: BlurPadding): Plain {
  const [batch, channels, height, width] = x.shape;
  const [fh, fw] = h.shape.slice(2);
  const valid = padding === "valid";
  const shape = [batch, channels, valid ? height - fh + 1 : height, valid ? width - fw + 1 : width];
  const [shiftRows, shiftColumns] = [fh, fw].map((size) => (valid ? size - 1 : Math.floor(size / 2)));
  return Plain.build(shape, ([b, c, i, j]) => {
    let sum = 0;
    for (let u = 0; u < fh; u++) {
      const row = continued(i - u + shiftRows, height, padding);
      for (let v = 0; v < fw; v++) {
        const column = continued(j - v + shiftColumns, width, padding);
        if (row !== undefined && column !== undefined) sum += h.at([b, c, u, v]) * x.at([b, c, row, column]);
      }
    }
    return sum;
  });
}

/** The sample that a position beyond the border shows; `undefined` for zero. */
function continued(position: number, length: number, padding: BlurPadding): number | undefined {
  if (position >= 0 && position < length) return position;
  switch (padding) {
    case "circular":
      return ((position % length) + length) % length;
    case "reflect":
      return position < 0 ? -position : 2 * length - 2 - position;
    case "replicate":
      return position < 0 ? 0 : length - 1;
    default:
      return undefined;
  }
}
