/**
 * Samples between the points of a periodic grid: sample s is attached, with weights that are a product of one factor per
 * row and one per column, to `taps` x `taps` grid points. Samples are sorted by the cell that they begin in, so that
 * neighbours in memory are neighbours on the grid, and so that a grid point finds its samples.
 */
export interface GriddingTable {
  /** Rows of the grid, at least `taps`. */
  readonly height: number;
  /** Columns of the grid, at least `taps`. */
  readonly width: number;
  /** Grid points per sample and axis. */
  readonly taps: number;
  /** For every sample in sorted order its place among the samples of the input or output. */
  readonly order: Int32Array;
  /** The first grid row of every sample, 0 <= row < height. */
  readonly rows: Int32Array;
  /** The first grid column of every sample, 0 <= column < width. */
  readonly columns: Int32Array;
  /** 2 `taps` weights per sample: the rows', then the columns'. */
  readonly weights: Float32Array;
  /** height width + 1 positions in the sorted order: where the samples that begin in each cell begin. */
  readonly cells: Int32Array;
}

/**
 * Values at the samples of a {@link GriddingTable} from values on its grid, and the transpose. With u, v the weights of
 * sample s, and (r, c) where it begins:
 *
 * - `interpolate`: (planes, height, width) -> (planes, samples),
 *   out[order[s]] = sum_{i,j} u[i] v[j] in[(r + i) mod height, (c + j) mod width];
 * - `spread`: the transpose of it, (planes, samples) -> (planes, height, width). Every grid point sums its samples in
 *   sorted order, so that results repeat to the bit.
 *
 * A device caches the uploaded table by object identity.
 */
export interface GriddingKernel {
  /** Which kernel this is. */
  readonly kind: "gridding";
  /** What is computed. */
  readonly mode: "interpolate" | "spread";
  /** Independent sets of values. */
  readonly planes: number;
  /** Grid, samples and weights. */
  readonly table: GriddingTable;
}
