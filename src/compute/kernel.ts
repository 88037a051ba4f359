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
  | ConvolveKernel;

/** How an N-d iteration space walks a buffer: value `offset + sum_d index[d] * strides[d]`. Strides may be 0 or negative. */
export interface View {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Functions of {@link MapKernel} by number of inputs; `s` and `t` are its two scalars. */
export const MAP_FUNCTIONS = {
  /** s */
  fill: 0,
  copy: 1,
  neg: 1,
  abs: 1,
  square: 1,
  sqrt: 1,
  exp: 1,
  log: 1,
  sin: 1,
  cos: 1,
  sign: 1,
  /** max(a, 0) */
  relu: 1,
  /** s a + t */
  affine: 1,
  /** s / a */
  reciprocal: 1,
  /** a^s for a >= 0 */
  power: 1,
  /** min(max(a, s), t); NaN stays NaN */
  clamp: 1,
  /** 1 where a is NaN or infinite, else 0 */
  nonFinite: 1,
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  minimum: 2,
  maximum: 2,
  /** a + s b */
  axpy: 2,
  /** 1 where a > b, else 0 */
  greater: 2,
  /** 1 where a >= b, else 0 */
  greaterEqual: 2,
  /** 1 where a = b, else 0 */
  equal: 2,
  /** a where the condition c is not 0, else b; inputs in the order c, a, b */
  where: 3,
} as const;

/** The name of an elementwise function. */
export type MapFunction = keyof typeof MAP_FUNCTIONS;

/**
 * Elementwise over `shape`: out[view] = f(in0[view], in1[view], ...). Covers broadcasting (stride 0), permutation,
 * slicing, flipping and writing into a part of the output. May run in place when every view of the shared buffer is the
 * output's view.
 */
export interface MapKernel {
  readonly kind: "map";
  readonly fn: MapFunction;
  /** At most 6 dimensions; any may be 0. */
  readonly shape: readonly number[];
  /** One view per input, each with as many strides as `shape` has dimensions. */
  readonly inputs: readonly View[];
  readonly output: View;
  /** s and t. */
  readonly scalars: readonly [number, number];
}

/**
 * out[r] = reduction over in[r * length .. (r + 1) * length). Empty rows give 0 for sums, -Infinity for max, Infinity
 * for min. `sumSquares` sums in[i]^2, `dot` (two inputs) sums in0[i] in1[i]. Sums are accurate to a few units in the
 * last place of float32: the CPU accumulates in float64, the GPU pairwise.
 */
export interface ReduceKernel {
  readonly kind: "reduce";
  readonly fn: "sum" | "sumSquares" | "dot" | "max" | "min";
  readonly rows: number;
  readonly length: number;
}

/** A sparse matrix in compressed-row form, applied along one axis: row o sums weights[k] * x[indices[k]]. */
export interface AxisTable {
  /** Columns: the length of the axis on the input. */
  readonly columns: number;
  /** rows + 1 positions into `indices`. */
  readonly offsets: Int32Array;
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
  readonly kind: "axis";
  readonly outer: number;
  readonly inner: number;
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
  readonly kind: "correlate";
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly filterBatch: number;
  readonly filterChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly flip: boolean;
}

/** out[b] (m x n) = in0[b] (m x k) in1[b] (k x n), row-major, for every b of `batch`. */
export interface MatmulKernel {
  readonly kind: "matmul";
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * A dense 2-D convolution layer in the networks' sense (cross-correlation), any size, directly from its definition:
 * the oracle for the tuned {@link ConvEngine} and the path of `Tensor.conv2d`. Inputs: x (batch, inChannels, height,
 * width) and weights (outChannels, inChannels / groups, kernelHeight, kernelWidth); transposed: weights
 * (inChannels, outChannels / groups, kernelHeight, kernelWidth). Zero padding. Output height:
 * floor((height + 2 padding - kernelHeight) / stride) + 1, transposed: (height - 1) stride - 2 padding + kernelHeight.
 */
export interface ConvolveKernel {
  readonly kind: "convolve";
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly height: number;
  readonly width: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
  readonly transposed: boolean;
}
