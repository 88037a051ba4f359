import type { AxisTable } from "../compute/kernel.ts";
import { imaginaryPart, realPart, toComplex } from "../tensor/complex.ts";
import { ComplexFactor } from "../tensor/complex_factor.ts";
import { fft } from "../tensor/fft.ts";
import { gatherTable, transposeTable } from "../tensor/ops/axis.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * The Fourier transform of filters on a periodic grid, with their sample `origin` at 0; what does not fit wraps around.
 *
 * @param filter (1|B, 1|C, ...taps)
 * @param sizes the grid's extents
 * @returns (1|B, 2, 1|C, ...sizes), not normalised
 */
export function filterTransform(
  filter: Tensor,
  sizes: readonly number[],
  origin: readonly number[],
): Tensor {
  using periodic = filter.applyTables(
    sizes.map((length, d) => ({
      dim: d + 2,
      table: periodicTable(filter.shape[d + 2], length, origin[d]),
    })),
  );
  using complex = toComplex(periodic);
  return fft(complex, spatialDims(sizes.length));
}

/** A transform (1|B, 2, 1|C, ...) as a factor of signals (B, 2, C, ...). */
export function factorOf(transform: Tensor): ComplexFactor {
  const shape = [transform.shape[0], 1, ...transform.shape.slice(2)];
  using re = realPart(transform);
  using im = imaginaryPart(transform);
  using real = re.reshape(shape);
  using imaginary = im.reshape(shape);
  return new ComplexFactor(real, imaginary);
}

/** The last `count` dimensions, from the end. */
export function spatialDims(count: number): number[] {
  return Array.from({ length: count }, (_, d) => d - count);
}

/** Adds sample k of an axis of `taps` at (k - origin) mod length. */
function periodicTable(taps: number, length: number, origin: number): AxisTable {
  const rows = Array.from({ length: taps }, (_, k) => (((k - origin) % length) + length) % length);
  return transposeTable(gatherTable(length, rows));
}
