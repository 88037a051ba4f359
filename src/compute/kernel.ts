import type { Pair } from "./conv_geometry.ts";
import type { GriddingKernel } from "./gridding_kernel.ts";
import type { MapFunction } from "./map_functions.ts";
import type { RealFftKernel } from "./real_fft_kernel.ts";

export { MAP_FUNCTIONS, type MapFunction } from "./map_functions.ts";
export type { RealFftKernel } from "./real_fft_kernel.ts";
export type { GriddingKernel, GriddingTable } from "./gridding_kernel.ts";

/**
 * Every computation that a device can be asked for, as data. A backend implements each kind once; the tensor floor
 * builds all its operations from them.
 */
export type Kernel =
  | MapKernel
  | ReduceKernel
  | AxisKernel
  | CorrelateKernel
  | MatmulKernel
  | MedianKernel
  | ConvolveKernel
  | FftKernel
  | RealFftKernel
  | RadonKernel
  | GriddingKernel;

/** How an N-d iteration space walks a buffer: value `offset + sum_d index[d] * strides[d]`. Strides may be 0 or negative. */
export interface View {
  /** Position of the first value. */
  readonly offset: number;
  /** Distance between neighbours, in values, one per dimension. */
  readonly strides: readonly number[];
}

/**
 * Elementwise over `shape`: out[view] = f(in0[view], in1[view], ...). Covers broadcasting (stride 0), permutation,
 * slicing, flipping and writing into a part of the output. May run in place when every view of the shared buffer is the
 * output's view.
 */
export interface MapKernel {
  /** Which kernel this is. */
  readonly kind: "map";
  /** The function f. */
  readonly fn: MapFunction;
  /** At most 6 dimensions; any may be 0. */
  readonly shape: readonly number[];
  /** One view per input, each with as many strides as `shape` has dimensions. */
  readonly inputs: readonly View[];
  /** Where the results go. */
  readonly output: View;
  /** s and t, rounded to float32. */
  readonly scalars: readonly [number, number];
}

/**
 * out[r] = reduction over in[r * length .. (r + 1) * length). Empty rows give 0 for sums, -Infinity for max, Infinity
 * for min, both of which are NaN where a value is. `sumSquares` sums in[i]^2, `dot` (two inputs) sums in0[i] in1[i]. Sums are accurate to a few units in the
 * last place of float32: the CPU accumulates in float64, the GPU pairwise.
 */
export interface ReduceKernel {
  /** Which kernel this is. */
  readonly kind: "reduce";
  /** The reduction. */
  readonly fn: "sum" | "sumSquares" | "dot" | "max" | "min";
  /** Number of results. */
  readonly rows: number;
  /** Values per result. */
  readonly length: number;
}

/** A sparse matrix in compressed-row form, applied along one axis: row o sums weights[k] * x[indices[k]]. */
export interface AxisTable {
  /** Columns: the length of the axis on the input. */
  readonly columns: number;
  /** rows + 1 positions into `indices`. */
  readonly offsets: Int32Array;
  /** Columns, row after row. */
  readonly indices: Int32Array;
  /** One weight per index; absent means all ones. */
  readonly weights?: Float32Array;
}

/**
 * out[a, o, b] = sum over k in row o of table.weights[k] * in[a, table.indices[k], b]: padding of any mode, its adjoint
 * (fold-back), cropping, strided sampling and zero insertion are all such tables. A device caches the uploaded table by
 * object identity.
 */
export interface AxisKernel {
  /** Which kernel this is. */
  readonly kind: "axis";
  /** Extents before the axis, multiplied. */
  readonly outer: number;
  /** Extents behind the axis, multiplied. */
  readonly inner: number;
  /** The matrix. */
  readonly table: AxisTable;
}

/**
 * Depthwise 2-D correlation without padding. Inputs: x (batch, channels, height, width) and the filter
 * (filterBatch, filterChannels, filterHeight, filterWidth), whose batch and channels are 1 or match x.
 * out[n, c, i, j] = sum_{u,v} h[n', c', u, v] x[n, c, i + u, j + v], of shape
 * (batch, channels, height - filterHeight + 1, width - filterWidth + 1); with `flip` the filter is read from its end,
 * which makes it a true convolution.
 */
export interface CorrelateKernel {
  /** Which kernel this is. */
  readonly kind: "correlate";
  /** Items of x. */
  readonly batch: number;
  /** Channels of x. */
  readonly channels: number;
  /** Rows of x. */
  readonly height: number;
  /** Columns of x. */
  readonly width: number;
  /** Items of the filter: 1 or `batch`. */
  readonly filterBatch: number;
  /** Channels of the filter: 1 or `channels`. */
  readonly filterChannels: number;
  /** Rows of the filter, at most `height`. */
  readonly filterHeight: number;
  /** Columns of the filter, at most `width`. */
  readonly filterWidth: number;
  /** Whether the filter is read from its end. */
  readonly flip: boolean;
}

/** out[b] (m x n) = in0[b] (m x k) in1[b] (k x n), row-major, for every b of `batch`. */
export interface MatmulKernel {
  /** Which kernel this is. */
  readonly kind: "matmul";
  /** Number of products. */
  readonly batch: number;
  /** Rows of the left matrix. */
  readonly m: number;
  /** Columns of the left and rows of the right matrix. */
  readonly k: number;
  /** Columns of the right matrix. */
  readonly n: number;
}

/**
 * The lower median over a sliding window, NaN where a value in it is: x (planes, height, width) gives
 * (planes, height - windowHeight + 1, width - windowWidth + 1).
 */
export interface MedianKernel {
  /** Which kernel this is. */
  readonly kind: "median";
  /** Images. */
  readonly planes: number;
  /** Rows of x. */
  readonly height: number;
  /** Columns of x. */
  readonly width: number;
  /** Rows of the window, 1 to 41 and at most `height`. */
  readonly windowHeight: number;
  /** Columns of the window, 1 to 41 and at most `width`. */
  readonly windowWidth: number;
}

/**
 * A 2-D convolution layer in the networks' sense (cross-correlation), any size, directly from its definition: the oracle
 * for the tuned {@link ConvEngine}, and what `Tensor.conv2d` runs where groups have so few channels that the engine's
 * layout would be padding for the most part. Inputs: x (batch, inChannels, height, width) and weights (outChannels,
 * inChannels / groups, kernelHeight, kernelWidth); transposed: weights (inChannels, outChannels / groups, kernelHeight,
 * kernelWidth). Zero padding. Output sizes: see {@link outputSize}.
 */
export interface ConvolveKernel {
  /** Which kernel this is. */
  readonly kind: "convolve";
  /** Items of x. */
  readonly batch: number;
  /** Channels of x. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Rows of x. */
  readonly height: number;
  /** Columns of x. */
  readonly width: number;
  /** Rows of the weights. */
  readonly kernelHeight: number;
  /** Columns of the weights. */
  readonly kernelWidth: number;
  /** Step between outputs; transposed, between inserted inputs. */
  readonly stride: Pair;
  /** Zeros assumed on every side of x; transposed, samples cut off every side of the output. */
  readonly padding: Pair;
  /** Distance of neighbouring taps; default 1. */
  readonly dilation?: Pair;
  /** Transposed only: samples added below and to the right; default 0. */
  readonly outputPadding?: Pair;
  /** Independent groups of channels. */
  readonly groups: number;
  /** Whether it is the transpose. */
  readonly transposed: boolean;
}

/**
 * Discrete Fourier transforms along one axis of complex values (batch, 2, outer, length, inner), real and imaginary
 * planes apart, any length >= 1:
 *
 *     out[b, :, o, (k + origin) mod length, i] =
 *       scale sum_n in[b, :, o, (n + origin) mod length, i] exp(-+ 2 pi i n k / length),
 *
 * with a minus sign forward and a plus sign inverse. `origin` is where index 0 lies on both sides: 0 for the usual
 * order, floor(length / 2) for centred signals and spectra.
 */
export interface FftKernel {
  /** Which kernel this is. */
  readonly kind: "fft";
  /** Items. */
  readonly batch: number;
  /** Extents between the complex dimension and the axis, multiplied. */
  readonly outer: number;
  /** Values along the axis. */
  readonly length: number;
  /** Extents behind the axis, multiplied. */
  readonly inner: number;
  /** The sign of the exponent. */
  readonly inverse: boolean;
  /** Multiplies the results. */
  readonly scale: number;
  /** Position of index 0, 0 <= origin < length. */
  readonly origin: number;
  /**
   * The side whose values lie as (batch, outer, 2 length, inner) instead, real and imaginary parts in turn along the axis:
   * how a real signal is halved; see {@link RealFftKernel}. Absent means none.
   */
  readonly interleaved?: "input" | "output";
}

/**
 * Line integrals through square images (planes, size, size) and their transpose. Ray i of the view at angle t is sampled
 * at the points (column, row)
 *
 *     p(i, j) = centre + (j - (steps - 1) / 2) (sin t, cos t)
 *             + (i - (detectors - 1) / 2) (spacing + divergence (j - (steps - 1) / 2)) (cos t, -sin t),
 *
 * 0 <= j < steps, by bilinear interpolation with zeros outside. Inputs: the image or the projections
 * (planes, detectors, angles), and the views' (cos t, sin t), (angles, 2). Modes:
 *
 * - `project`: y[i, t] = sum_j x(p(i, j));
 * - `adjoint`: the transpose of `project`, with the same weights;
 * - `interpolate`: x[p] = sum_t y(i, t) at the place i where the ray through the pixel p meets the detector, by linear
 *   interpolation; for spacing 1 and divergence 0.
 */
export interface RadonKernel {
  /** Which kernel this is. */
  readonly kind: "radon";
  /** What is computed. */
  readonly mode: "project" | "adjoint" | "interpolate";
  /** Images. */
  readonly planes: number;
  /** Rows and columns of an image. */
  readonly size: number;
  /** Rays per view. */
  readonly detectors: number;
  /** Views. */
  readonly angles: number;
  /** Samples per ray. */
  readonly steps: number;
  /** Column and row of the centre of rotation. */
  readonly centre: number;
  /** Distance of neighbouring rays at the centre, in pixels. */
  readonly spacing: number;
  /** Growth of that distance per step; the distance stays positive over all steps. */
  readonly divergence: number;
}
