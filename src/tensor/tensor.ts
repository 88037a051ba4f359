import type { Device } from "../compute/device.ts";
import { DeviceError } from "../compute/errors.ts";
import type { AxisTable, MapFunction } from "../compute/kernel.ts";
import { defaultDevice } from "../compute/open.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { allocateArray, type DeviceArray, numelOf, resolveDim, resolveDims, type Storage } from "./array.ts";
import { flatten, type TensorData } from "./nested.ts";
import { applyAlong } from "./ops/axis.ts";
import { type ConvolutionOptions, convolve } from "./ops/convolve.ts";
import { correlate } from "./ops/correlate.ts";
import { elementwise } from "./ops/elementwise.ts";
import { cat, expand, flip, permute, type Range, slice, writeSlice } from "./ops/layout.ts";
import { matmul } from "./ops/matmul.ts";
import { applyTables, type PaddingMode, paddingTables } from "./ops/pad.ts";
import { reduce } from "./ops/reduce.ts";
import { generatorFor } from "./random.ts";

/** Where a new tensor goes; the default device when absent. */
export interface TensorOptions {
  device?: Device;
}

/** Which dimensions a reduction runs over (all by default), and whether they stay with extent 1. */
export interface ReductionOptions {
  dims?: number | readonly number[];
  keepDims?: boolean;
}

/** Frees the memory of tensors that were dropped without `dispose`, whenever the garbage collector finds them. */
const forgotten = new FinalizationRegistry<Storage>((storage) => storage.release());

/**
 * A dense float32 array of any shape on a device.
 *
 * Operations return new tensors and leave their operands alone. Memory is freed by `dispose()`, by `using`, or, later,
 * when the garbage collector finds a tensor that was dropped.
 *
 * @example
 * ```ts
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.from([[1, 2], [3, 4]]);
 * using y = x.mul(10).add(Tensor.from([1, 2]));
 * console.log(y.shape, await y.data()); // [ 2, 2 ] Float32Array [ 11, 22, 31, 42 ]
 * ```
 */
export class Tensor implements Disposable {
  /** The type of the values. */
  readonly dtype = "float32";
  /** Extents, outermost first; images are (B, C, H, W). */
  readonly shape: readonly number[];
  #array: DeviceArray | undefined;

  private constructor(array: DeviceArray) {
    this.#array = array;
    this.shape = array.shape;
    forgotten.register(this, array.storage, this);
  }

  /**
   * Copies data to a device.
   *
   * @param data a typed array, a flat list, or nested lists
   * @param shape by default the nesting's own, or one dimension
   * @throws {InvalidArgumentError} when data and shape do not fit
   */
  static from(data: TensorData, shape?: readonly number[], options: TensorOptions = {}): Tensor {
    const flat = flatten(data, shape);
    const array = allocateArray(options.device ?? defaultDevice(), flat.shape);
    array.storage.device.write(array.storage.buffer, flat.values);
    return new Tensor(array);
  }

  /** Values not yet defined: for callers that fill the tensor's buffer themselves. */
  static empty(shape: readonly number[], options: TensorOptions = {}): Tensor {
    return new Tensor(allocateArray(options.device ?? defaultDevice(), shape));
  }

  /** All values equal to `value`. */
  static full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
    const array = allocateArray(options.device ?? defaultDevice(), shape);
    const numel = numelOf(shape);
    array.storage.device.run(
      {
        kind: "map",
        fn: "fill",
        shape: [numel],
        inputs: [],
        output: { offset: 0, strides: [1] },
        scalars: [value, 0],
      },
      [],
      array.storage.buffer,
    );
    return new Tensor(array);
  }

  /** All zeros. */
  static zeros(shape: readonly number[], options: TensorOptions = {}): Tensor {
    return Tensor.full(shape, 0, options);
  }

  /** All ones. */
  static ones(shape: readonly number[], options: TensorOptions = {}): Tensor {
    return Tensor.full(shape, 1, options);
  }

  /**
   * Independent standard normal values (Philox4x32-10 and Box-Muller), equal on every device.
   *
   * @param options.seed a generator of its own; without it the shared, context-seeded one
   */
  static randn(shape: readonly number[], options: TensorOptions & { seed?: number } = {}): Tensor {
    const values = new Float32Array(numelOf(shape));
    generatorFor(options.seed).fillNormal(values);
    return Tensor.from(values, shape, options);
  }

  /** start, start + step, ... up to but not including stop. */
  static arange(start: number, stop: number, step = 1, options: TensorOptions = {}): Tensor {
    if (!Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(step) || step === 0) {
      throw new InvalidArgumentError(
        "make a range",
        "start, stop and step",
        "finite, step not 0",
        `${start}, ${stop}, ${step}`,
      );
    }
    const count = Math.max(0, Math.ceil((stop - start) / step));
    return Tensor.from(Float32Array.from({ length: count }, (_, i) => start + i * step), [count], options);
  }

  /** Joins tensors along a dimension that they have. */
  static cat(tensors: readonly Tensor[], dim = 0): Tensor {
    return new Tensor(cat(tensors.map((t) => t.#live), dim));
  }

  /** Joins tensors of one shape along a new dimension. */
  static stack(tensors: readonly Tensor[], dim = 0): Tensor {
    if (tensors.length === 0) {
      throw new InvalidArgumentError("stack", "tensors", "a list of at least one", "none");
    }
    const axis = resolveDim("stack", dim, tensors[0].shape.length + 1);
    const wide = tensors.map((t): DeviceArray => ({
      storage: t.#live.storage,
      shape: t.shape.toSpliced(axis, 0, 1),
    }));
    return new Tensor(cat(wide, axis));
  }

  /** Takes a where the condition is not 0, else b; all broadcast. */
  static where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
    return condition.#combine("where", [a, b]);
  }

  /** The device that holds the values. */
  get device(): Device {
    return this.#live.storage.device;
  }

  /** Number of values. */
  get numel(): number {
    return numelOf(this.shape);
  }

  /** A copy of the values, row-major, after all queued work. */
  data(): Promise<Float32Array> {
    const { storage } = this.#live;
    return storage.device.read(storage.buffer);
  }

  /**
   * The one value of a tensor that has only one.
   *
   * @throws {InvalidArgumentError} when it has more or none
   */
  async item(): Promise<number> {
    if (this.numel !== 1) {
      throw new InvalidArgumentError(
        "read an item",
        "the tensor",
        "of exactly one value",
        `shape ${formatShape(this.shape)}`,
      );
    }
    return (await this.data())[0];
  }

  /** Frees the memory. The tensor cannot be used afterwards; disposing twice does nothing. */
  dispose(): void {
    if (!this.#array) return;
    forgotten.unregister(this);
    this.#array.storage.release();
    this.#array = undefined;
  }

  /** Same as {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** a + b */
  add(other: Tensor | number): Tensor {
    return typeof other === "number" ? this.#affine(1, other) : this.#combine("add", [other]);
  }

  /** a - b */
  sub(other: Tensor | number): Tensor {
    return typeof other === "number" ? this.#affine(1, -other) : this.#combine("sub", [other]);
  }

  /** a b, elementwise */
  mul(other: Tensor | number): Tensor {
    return typeof other === "number" ? this.#affine(other, 0) : this.#combine("mul", [other]);
  }

  /** a / b, elementwise */
  div(other: Tensor | number): Tensor {
    return this.#combine("div", [other]);
  }

  /** a + scale b, in one pass */
  addScaled(other: Tensor, scale: number): Tensor {
    return this.#combine("axpy", [other], [scale, 0]);
  }

  /** The smaller of a and b; NaN when either is. */
  minimum(other: Tensor | number): Tensor {
    return this.#combine("minimum", [other]);
  }

  /** The larger of a and b; NaN when either is. */
  maximum(other: Tensor | number): Tensor {
    return this.#combine("maximum", [other]);
  }

  /** 1 where a > b, else 0 */
  greater(other: Tensor | number): Tensor {
    return this.#combine("greater", [other]);
  }

  /** 1 where a >= b, else 0 */
  greaterEqual(other: Tensor | number): Tensor {
    return this.#combine("greaterEqual", [other]);
  }

  /** 1 where a = b, else 0 */
  equal(other: Tensor | number): Tensor {
    return this.#combine("equal", [other]);
  }

  /** a where this tensor is not 0, else b */
  where(a: Tensor | number, b: Tensor | number): Tensor {
    return Tensor.where(this, a, b);
  }

  /** -a */
  neg(): Tensor {
    return this.#map("neg");
  }

  /** |a| */
  abs(): Tensor {
    return this.#map("abs");
  }

  /** -1, 0 or 1 */
  sign(): Tensor {
    return this.#map("sign");
  }

  /** a^2 */
  square(): Tensor {
    return this.#map("square");
  }

  /** The square root; NaN below 0. */
  sqrt(): Tensor {
    return this.#map("sqrt");
  }

  /** e^a */
  exp(): Tensor {
    return this.#map("exp");
  }

  /** The natural logarithm. */
  log(): Tensor {
    return this.#map("log");
  }

  /** max(a, 0) */
  relu(): Tensor {
    return this.#map("relu");
  }

  /** min(max(a, min), max) */
  clamp(min = -Infinity, max = Infinity): Tensor {
    return this.#map("clamp", [min, max]);
  }

  /** 1 where a value is NaN or infinite, else 0. */
  nonFinite(): Tensor {
    return this.#map("nonFinite");
  }

  /** A copy of its own. */
  clone(): Tensor {
    return this.#map("copy");
  }

  /** The sum over dimensions. */
  sum(dims?: number | readonly number[], options: Omit<ReductionOptions, "dims"> = {}): Tensor {
    return new Tensor(reduce("sum", [this.#live], dims, options.keepDims));
  }

  /** The mean over dimensions; NaN of nothing. */
  mean(dims?: number | readonly number[], options: Omit<ReductionOptions, "dims"> = {}): Tensor {
    using total = this.sum(dims, options);
    const count = numelOf(resolveDims("mean", dims, this.shape.length).map((d) => this.shape[d]));
    return total.div(count);
  }

  /** The largest value over dimensions. */
  max(dims?: number | readonly number[], options: Omit<ReductionOptions, "dims"> = {}): Tensor {
    return new Tensor(reduce("max", [this.#live], dims, options.keepDims));
  }

  /** The smallest value over dimensions. */
  min(dims?: number | readonly number[], options: Omit<ReductionOptions, "dims"> = {}): Tensor {
    return new Tensor(reduce("min", [this.#live], dims, options.keepDims));
  }

  /** The Euclidean norm over dimensions. */
  norm(dims?: number | readonly number[], options: Omit<ReductionOptions, "dims"> = {}): Tensor {
    using squares = new Tensor(reduce("sumSquares", [this.#live], dims, options.keepDims));
    return squares.sqrt();
  }

  /** The inner product over dimensions, of two tensors of one shape. */
  dot(
    other: Tensor,
    dims?: number | readonly number[],
    options: Omit<ReductionOptions, "dims"> = {},
  ): Tensor {
    if (!sameShape(this.shape, other.shape)) {
      throw new InvalidArgumentError(
        "dot",
        "the other tensor",
        `of shape ${formatShape(this.shape)}`,
        formatShape(other.shape),
      );
    }
    return new Tensor(reduce("dot", [this.#live, other.#live], dims, options.keepDims));
  }

  /** The same values under another shape, sharing memory; one extent may be -1. */
  reshape(shape: readonly number[]): Tensor {
    const known = numelOf(shape.filter((extent) => extent !== -1));
    const resolved = shape.map((extent) => (extent === -1 && known > 0 ? this.numel / known : extent));
    if (
      numelOf(resolved) !== this.numel || resolved.some((extent) => !Number.isInteger(extent) || extent < 0)
    ) {
      throw new InvalidArgumentError("reshape", "shape", `one of ${this.numel} values`, formatShape(shape));
    }
    return new Tensor({ storage: this.#live.storage.retain(), shape: resolved });
  }

  /** Reorders dimensions: dimension d of the result is dimension dims[d] of this. */
  permute(dims: readonly number[]): Tensor {
    return new Tensor(permute(this.#live, dims));
  }

  /** A box: one range [start, stop, step] or `null` (all) per leading dimension; negative positions count from the end. */
  slice(ranges: readonly Range[]): Tensor {
    return new Tensor(slice(this.#live, ranges));
  }

  /** Reverses the order along dimensions. */
  flip(dims: number | readonly number[]): Tensor {
    return new Tensor(flip(this.#live, typeof dims === "number" ? [dims] : dims));
  }

  /** Moves values by `shift` along `dim`, those that leave at one end enter at the other. */
  roll(shift: number, dim: number): Tensor {
    const axis = resolveDim("roll", dim, this.shape.length);
    const extent = this.shape[axis];
    if (extent === 0) return this.clone();
    const cut = ((-shift % extent) + extent) % extent;
    const ranges = (start: number, stop: number): Range[] =>
      this.shape.map((_, d) => (d === axis ? [start, stop] : null));
    using head = this.slice(ranges(0, cut));
    using tail = this.slice(ranges(cut, extent));
    return Tensor.cat([tail, head], axis);
  }

  /**
   * Adds samples before and after dimensions.
   *
   * @param amounts [before, after] for the last dimensions, outermost of them first
   * @throws {InvalidArgumentError} when a mirror or a period is longer than the axis
   */
  pad(
    amounts: readonly (readonly [before: number, after: number])[],
    mode: PaddingMode = "constant",
  ): Tensor {
    const first = this.shape.length - amounts.length;
    if (first < 0) {
      throw new InvalidArgumentError(
        "pad",
        "amounts",
        `for at most ${this.shape.length} dimensions`,
        String(amounts.length),
      );
    }
    const axes = amounts.map(([before, after], k) => ({ dim: first + k, before, after }));
    return new Tensor(applyTables(this.#live, paddingTables(this.shape, axes, mode).pad));
  }

  /** Applies sparse matrices along dimensions, in order: a padding, its adjoint, a resampling. */
  applyTables(tables: readonly { dim: number; table: AxisTable }[]): Tensor {
    return new Tensor(applyTables(this.#live, tables));
  }

  /** Applies a sparse matrix along one dimension. */
  applyAlong(dim: number, table: AxisTable): Tensor {
    return new Tensor(applyAlong(this.#live, resolveDim("apply a table", dim, this.shape.length), table));
  }

  /** Repeats dimensions of extent 1 (and new leading ones) up to a shape. */
  expand(shape: readonly number[]): Tensor {
    return new Tensor(expand(this.#live, shape));
  }

  /** Overwrites the box that starts at `begin` with `part`, in place. */
  writeSlice(part: Tensor, begin: readonly number[]): void {
    writeSlice(this.#live, part.#live, begin);
  }

  /** The matrix product of (..., m, k) and (..., k, n). */
  matmul(other: Tensor): Tensor {
    return new Tensor(matmul(this.#live, other.#live));
  }

  /** A convolution layer: this is (B, C, H, W), weights (O, C/groups, h, w); cross-correlation as in PyTorch. */
  conv2d(weights: Tensor, options: ConvolutionOptions = {}): Tensor {
    return new Tensor(convolve(this.#live, weights.#live, false, options));
  }

  /** A transposed convolution layer: this is (B, C, H, W), weights (C, O/groups, h, w). */
  convTranspose2d(weights: Tensor, options: ConvolutionOptions = {}): Tensor {
    return new Tensor(convolve(this.#live, weights.#live, true, options));
  }

  /** Depthwise correlation without padding by a filter (1|B, 1|C, h, w); `flip` makes it a true convolution. */
  correlate(filter: Tensor, options: { flip?: boolean } = {}): Tensor {
    return new Tensor(correlate(this.#live, filter.#live, options.flip ?? false));
  }

  /** The array behind the tensor, for operations of this package that work on buffers. */
  get array(): DeviceArray {
    return this.#live;
  }

  get #live(): DeviceArray {
    if (!this.#array) throw new DeviceError("Cannot use a tensor that was disposed");
    return this.#array;
  }

  #map(fn: MapFunction, scalars: readonly [number, number] = [0, 0]): Tensor {
    return new Tensor(elementwise(fn, [this.#live], scalars));
  }

  #affine(scale: number, shift: number): Tensor {
    return this.#map("affine", [scale, shift]);
  }

  #combine(
    fn: MapFunction,
    others: readonly (Tensor | number)[],
    scalars: readonly [number, number] = [0, 0],
  ): Tensor {
    const { device } = this.#live.storage;
    const temporary: Tensor[] = [];
    const operands = others.map((other) => {
      if (other instanceof Tensor) return other.#live;
      const scalar = Tensor.full([], other, { device });
      temporary.push(scalar);
      return scalar.#live;
    });
    const result = new Tensor(elementwise(fn, [this.#live, ...operands], scalars));
    temporary.forEach((tensor) => tensor.dispose());
    return result;
  }
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, d) => extent === b[d]);
}
