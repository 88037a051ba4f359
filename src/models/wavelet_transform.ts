import type { AxisTable } from "../compute/kernel.ts";
import type { Range } from "../tensor/ops/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { RecentValues } from "./recent_values.ts";
import { waveletFilters } from "./wavelet_filters.ts";

/**
 * How a signal goes on beyond its ends: with zeros, with its end values, mirrored with (`symmetric`) or without
 * (`reflect`) repeating the end, or from its other end.
 */
export type WaveletMode = "zero" | "constant" | "symmetric" | "reflect" | "periodic";

/** The modes by name. */
export const WAVELET_MODES: readonly WaveletMode[] = ["zero", "constant", "symmetric", "reflect", "periodic"];

/** One wavelet along some dimensions. */
export interface WaveletBasis {
  /** `db1` to `db8`. */
  readonly wavelet: string;
  /** How signals are extended. */
  readonly mode: WaveletMode;
  /** The dimensions that are transformed. */
  readonly dims: readonly number[];
}

const tables = new RecentValues<AxisTable>();

/**
 * One level of the discrete wavelet transform, by pywt's conventions: along each dimension of n samples K = floor((n +
 * length - 1) / 2) approximations a[k] = sum_j h'[j] x[2k + 1 - j], then K details with g', where h' and g' are the
 * filters reversed.
 *
 * @returns the bands side by side, 2K values along every dimension
 */
export function analyse(x: Tensor, { wavelet, mode, dims }: WaveletBasis): Tensor {
  return x.applyTables(dims.map((dim) => {
    const length = x.shape[dim];
    const key = `analyse ${wavelet} ${mode} ${length}`;
    return { dim, table: tables.get(key, () => analysisTable(length, wavelet, mode)) };
  }));
}

/** The inverse of {@link analyse} for a signal with `shape`'s extents. */
export function synthesise(bands: Tensor, shape: readonly number[], { wavelet, dims }: WaveletBasis): Tensor {
  return bands.applyTables(dims.map((dim) => {
    const [length, count] = [shape[dim], bands.shape[dim] / 2];
    const key = `synthesise ${wavelet} ${count} ${length}`;
    return { dim, table: tables.get(key, () => synthesisTable(length, count, wavelet)) };
  }));
}

/** Where each band lies in what {@link analyse} gives; the approximation first. */
export function bandRanges(bands: Tensor, dims: readonly number[]): Range[][] {
  return Array.from({ length: 2 ** dims.length }, (_, band) =>
    bands.shape.map((extent, d): Range => {
      const place = dims.indexOf(d);
      if (place < 0) return null;
      const isDetail = (band >> (dims.length - 1 - place)) & 1;
      return isDetail ? [extent / 2, extent] : [0, extent / 2];
    }));
}

/** The details of all levels, band by band, the finest first; disposed by the caller. */
export function details(x: Tensor, level: number, basis: WaveletBasis): Tensor[] {
  const found: Tensor[] = [];
  let current = x.clone();
  for (let k = 0; k < level; k++) {
    using previous = current;
    using bands = analyse(previous, basis);
    const [approximation, ...others] = bandRanges(bands, basis.dims);
    found.push(...others.map((ranges) => bands.slice(ranges)));
    current = bands.slice(approximation);
  }
  current.dispose();
  return found;
}

function analysisTable(length: number, wavelet: string, mode: WaveletMode): AxisTable {
  const { low, high } = waveletFilters(wavelet)!;
  const taps = low.length;
  const count = Math.floor((length + taps - 1) / 2);
  const rows = [low, high].flatMap((filter) =>
    Array.from(
      { length: count },
      (_, k) =>
        filter.map((_, j) => ({ at: extended(2 * k + 1 - j, length, mode), weight: filter[taps - 1 - j] })),
    )
  );
  return compressed(length, rows.map((row) => row.filter(({ at }) => at >= 0)));
}

function synthesisTable(length: number, count: number, wavelet: string): AxisTable {
  const { low, high } = waveletFilters(wavelet)!;
  const rows = Array.from(
    { length },
    (_, i) =>
      [low, high].flatMap((filter, part) =>
        Array.from({ length: count }, (_, k) => ({
          at: part * count + k,
          weight: filter[i + filter.length - 2 - 2 * k] ?? 0,
        })).filter(({ weight }) => weight !== 0)
      ),
  );
  return compressed(2 * count, rows);
}

function compressed(columns: number, rows: readonly { at: number; weight: number }[][]): AxisTable {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, r) => offsets[r + 1] = offsets[r] + row.length);
  const entries = rows.flat();
  return {
    columns,
    offsets,
    indices: Int32Array.from(entries, ({ at }) => at),
    weights: Float32Array.from(entries, ({ weight }) => weight),
  };
}

/** The sample that stands at place i of the extended signal; -1 for a zero. */
function extended(i: number, length: number, mode: WaveletMode): number {
  if (i >= 0 && i < length) return i;
  const within = (period: number) => ((i % period) + period) % period;
  switch (mode) {
    case "zero":
      return -1;
    case "constant":
      return i < 0 ? 0 : length - 1;
    case "periodic":
      return within(length);
    case "symmetric": {
      const at = within(2 * length);
      return at < length ? at : 2 * length - 1 - at;
    }
    case "reflect": {
      if (length === 1) return 0;
      const at = within(2 * length - 2);
      return at < length ? at : 2 * length - 2 - at;
    }
  }
}
