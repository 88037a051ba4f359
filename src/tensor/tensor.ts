import type { Device } from "../compute/device.ts";
import { DeviceError } from "../compute/errors.ts";
import type { AxisTable, MapFunction } from "../compute/kernel.ts";
import { defaultDevice } from "../compute/open.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { allocateArray, type DeviceArray, numelOf, resolveDim, resolveDims } from "./array.ts";
import { forget, releaseDropped, releaseWhenDropped } from "./forgotten.ts";
import { flatten, type TensorData } from "./nested.ts";
import { applyAlong, applyTables } from "./ops/axis.ts";
import { type ConvolutionPlaces, convolve } from "./ops/convolve.ts";
import { correlate } from "./ops/correlate.ts";
import { elementwise, full } from "./ops/elementwise.ts";
import { cat, stack, writeSlice } from "./ops/join.ts";
import { expand, flip, permute, type Range, reshape, roll, slice } from "./ops/layout.ts";
import { matmul } from "./ops/matmul.ts";
import { pad, type PaddingMode } from "./ops/pad.ts";
import { reduce } from "./ops/reduce.ts";
import { generatorFor } from "./random.ts";

export { sameShape } from "./array.ts";

/** Where a new tensor goes. A tensor will do as such options: the new one goes where it is. */
export interface TensorOptions {
  /** By default the default device: the context's. */
  device?: Device;
}

/** How a reduction leaves its dimensions. */
export interface ReductionOptions {
  /** Whether the reduced dimensions stay, with extent 1; default false. */
  keepDims?: boolean;
}

/** Options of {@link Tensor.conv2d} and {@link Tensor.convTranspose2d}, by PyTorch's names. */
export interface ConvolutionOptions extends ConvolutionPlaces {
  /** Added to the output's channels: (O,); default none. */
  bias?: Tensor;
}

/**
 * A dense float32 array of any shape on a device.
 *
 * Operations return new tensors and leave their operands alone. Memory is freed by `dispose()`, by `using`, or, later,
 * when the garbage collector finds a tensor that was dropped.
 *
 * @example Arithmetic with broadcasting, and the shapes that it needs
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.from([[1, 2], [3, 4]]);
 * using y = x.mul(10).add(Tensor.from([1, 2]));
 * assert.deepEqual(y.shape, [2, 2]);
 * assert.deepEqual([...await y.data()], [11, 22, 31, 42]);
 * using rows = y.sum(1, { keepDims: true }); // (2, 1)
 * using column = y.slice([null, [1, 2]]); // all rows, column 1
 * assert.deepEqual([...await column.div(rows).data()], [22 / 33, 42 / 73].map(Math.fround));
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
    releaseWhenDropped(this, array.storage);
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
    const tensor = Tensor.empty(flat.shape, options);
    tensor.device.write(tensor.array.storage.buffer, flat.values);
    return tensor;
  }

  /** Values not yet defined: for callers that fill the tensor's buffer themselves. */
  static empty(shape: readonly number[], options: TensorOptions = {}): Tensor {
    return new Tensor(allocateArray(options.device ?? defaultDevice(), shape));
  }

  /** All values equal to `value`. */
  static full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
    return new Tensor(full(options.device ?? defaultDevice(), shape, value));
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
   * @param options.seed a whole number: a generator of its own; without it the shared, context-seeded one
   */
  static randn(shape: readonly number[], options: TensorOptions & { seed?: number } = {}): Tensor {
    const values = new Float32Array(numelOf(shape));
    generatorFor(options.seed).fillNormal(values);
    return Tensor.from(values, shape, options);
  }

  /**
   * start, start + step, ... up to but not including stop.
   *
   * @throws {InvalidArgumentError} when a bound or the step is not finite, or the step is 0
   */
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

  /**
   * Joins tensors along a dimension that they have.
   *
   * @throws {InvalidArgumentError} when there is none, or another extent differs
   */
  static cat(tensors: readonly Tensor[], dim = 0): Tensor {
    return new Tensor(cat(tensors.map((tensor) => Tensor.#arrayOf("cat", tensor)), dim));
  }

  /**
   * Joins tensors of one shape along a new dimension.
   *
   * @throws {InvalidArgumentError} when there is none, or the shapes differ
   */
  static stack(tensors: readonly Tensor[], dim = 0): Tensor {
    return new Tensor(stack(tensors.map((tensor) => Tensor.#arrayOf("stack", tensor)), dim));
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
  async data(): Promise<Float32Array> {
    const { device, buffer } = this.#live.storage;
    const values = await device.read(buffer);
    await releaseDropped(device);
    return values;
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
    forget(this);
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

  /** -1, 0 or 1; NaN stays NaN. */
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

  /** The natural logarithm; NaN below 0. */
  log(): Tensor {
    return this.#map("log");
  }

  /** max(a, 0); NaN stays NaN. */
  relu(): Tensor {
    return this.#map("relu");
  }

  /**
   * min(max(a, min), max); NaN stays NaN.
   *
   * @throws {InvalidArgumentError} when min > max or either is NaN
   */
  clamp(min = -Infinity, max = Infinity): Tensor {
    if (!(min <= max)) throw new InvalidArgumentError("clamp", "min", "at most max", `${min} and ${max}`);
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

  /** The sum over dimensions (all by default); 0 of nothing. */
  sum(dims?: number | readonly number[], options: ReductionOptions = {}): Tensor {
    return new Tensor(reduce("sum", [this.#live], dims, options.keepDims));
  }

  /** The mean over dimensions (all by default); NaN of nothing. */
  mean(dims?: number | readonly number[], options: ReductionOptions = {}): Tensor {
    using total = this.sum(dims, options);
    const count = numelOf(resolveDims("mean", dims, this.shape.length).map((d) => this.shape[d]));
    return total.div(count);
  }

  /** The largest value over dimensions (all by default); -Infinity of nothing, NaN where a value is. */
  max(dims?: number | readonly number[], options: ReductionOptions = {}): Tensor {
    return new Tensor(reduce("max", [this.#live], dims, options.keepDims));
  }

  /** The smallest value over dimensions (all by default); Infinity of nothing, NaN where a value is. */
  min(dims?: number | readonly number[], options: ReductionOptions = {}): Tensor {
    return new Tensor(reduce("min", [this.#live], dims, options.keepDims));
  }

  /** The Euclidean norm over dimensions (all by default); 0 of nothing. */
  norm(dims?: number | readonly number[], options: ReductionOptions = {}): Tensor {
    using squares = new Tensor(reduce("sumSquares", [this.#live], dims, options.keepDims));
    return squares.sqrt();
  }

  /**
   * The inner product over dimensions (all by default).
   *
   * @throws {InvalidArgumentError} when the shapes differ
   */
  dot(other: Tensor, dims?: number | readonly number[], options: ReductionOptions = {}): Tensor {
    return new Tensor(reduce("dot", [this.#live, Tensor.#arrayOf("dot", other)], dims, options.keepDims));
  }

  /**
   * The same values under another shape, sharing memory.
   *
   * @param shape one extent may be -1: what is left
   * @throws {InvalidArgumentError} when the number of values differs
   */
  reshape(shape: readonly number[]): Tensor {
    return new Tensor(reshape(this.#live, shape));
  }

  /** Reorders dimensions: dimension d of the result is dimension dims[d] of this. */
  permute(dims: readonly number[]): Tensor {
    return new Tensor(permute(this.#live, dims));
  }

  /**
   * A box.
   *
   * @param ranges [start, stop, step] or `null` (all) per leading dimension; negative positions count from the end
   * @throws {InvalidArgumentError} for more ranges than dimensions, and for steps below 1
   */
  slice(ranges: readonly Range[]): Tensor {
    return new Tensor(slice(this.#live, ranges));
  }

  /** Reverses the order along dimensions. */
  flip(dims: number | readonly number[]): Tensor {
    return new Tensor(flip(this.#live, typeof dims === "number" ? [dims] : dims));
  }

  /** Moves values by `shift` along `dim`, those that leave at one end enter at the other. */
  roll(shift: number, dim: number): Tensor {
    return new Tensor(roll(this.#live, shift, dim));
  }

  /**
   * Adds samples before and after dimensions.
   *
   * @param amounts [before, after] for the last dimensions, outermost of them first
   * @throws {InvalidArgumentError} for an unknown mode, amounts that are not whole numbers >= 0, and a mirror as long as
   * the axis
   */
  pad(
    amounts: readonly (readonly [before: number, after: number])[],
    mode: PaddingMode = "constant",
  ): Tensor {
    return new Tensor(pad(this.#live, amounts, mode));
  }

  /** Applies sparse matrices along dimensions, in order: a padding, its adjoint, a resampling. */
  applyTables(tables: readonly { dim: number; table: AxisTable }[]): Tensor {
    return new Tensor(applyTables(this.#live, tables));
  }

  /**
   * Applies a sparse matrix along one dimension.
   *
   * @throws {InvalidArgumentError} when the dimension's extent is not the table's number of columns
   */
  applyAlong(dim: number, table: AxisTable): Tensor {
    return new Tensor(applyAlong(this.#live, resolveDim("apply a table", dim, this.shape.length), table));
  }

  /**
   * Repeats dimensions of extent 1 (and new leading ones) up to a shape.
   *
   * @throws {InvalidArgumentError} when this does not broadcast to it
   */
  expand(shape: readonly number[]): Tensor {
    return new Tensor(expand(this.#live, shape));
  }

  /**
   * Overwrites the box that starts at `begin` with `part`, in place; tensors that share memory change too.
   *
   * @throws {InvalidArgumentError} when the box does not lie inside, or the part shares this tensor's memory
   */
  writeSlice(part: Tensor, begin: readonly number[]): void {
    writeSlice(this.#live, Tensor.#arrayOf("write a slice", part), begin);
  }

  /**
   * The matrix product of (..., m, k) and (..., k, n).
   *
   * @throws {InvalidArgumentError} when the inner extents or the leading dimensions differ
   */
  matmul(other: Tensor): Tensor {
    return new Tensor(matmul(this.#live, Tensor.#arrayOf("matmul", other)));
  }

  /**
   * A convolution layer: this is (B, C, H, W), weights (O, C/groups, h, w); cross-correlation as in PyTorch's `conv2d`.
   * Sums are float32, by Winograd's algorithm where the kernel is 3 x 3: the error stays below 2e-5 of the largest value.
   * An infinite value or NaN makes NaN of what lies up to 3 pixels around the outputs that it belongs to.
   *
   * @returns (B, O, H', W'), H' = floor((H + 2 padding - dilation (h - 1) - 1) / stride) + 1
   * @throws {InvalidArgumentError} when shapes and options do not fit together
   *
   * @example Neighbours summed, with a bias, at every second pixel
   * ```ts
   * import assert from "node:assert/strict";
   * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
   *
   * setDefaultDevice(await openDevice("cpu"));
   * using x = Tensor.ones([1, 4, 5, 5]);
   * using weights = Tensor.ones([2, 4, 3, 3]);
   * using bias = Tensor.from([0, 100]);
   * using y = x.conv2d(weights, { bias, stride: 2, padding: 1 });
   * assert.deepEqual(y.shape, [1, 2, 3, 3]);
   * assert.deepEqual([...await y.data()].map(Math.round).slice(0, 5), [16, 24, 16, 24, 36]);
   * ```
   */
  conv2d(weights: Tensor, options: ConvolutionOptions = {}): Tensor {
    return this.#convolve("conv2d", weights, options);
  }

  /**
   * A transposed convolution layer: this is (B, C, H, W), weights (C, O/groups, h, w); PyTorch's `conv_transpose2d`. Sums
   * are float32.
   *
   * @returns (B, O, H', W'), H' = (H - 1) stride - 2 padding + dilation (h - 1) + outputPadding + 1
   * @throws {InvalidArgumentError} when shapes and options do not fit together
   */
  convTranspose2d(weights: Tensor, options: ConvolutionOptions = {}): Tensor {
    return this.#convolve("convTranspose2d", weights, options);
  }

  /**
   * Depthwise correlation without padding: this is (B, C, H, W), the filter (1|B, 1|C, h, w).
   *
   * @param options.flip a true convolution; default false
   * @throws {InvalidArgumentError} when the filter's shape does not fit
   */
  correlate(filter: Tensor, options: { flip?: boolean } = {}): Tensor {
    return new Tensor(correlate(this.#live, Tensor.#arrayOf("correlate", filter), options.flip ?? false));
  }

  /** The array behind the tensor, for operations of this package that work on buffers. */
  get array(): DeviceArray {
    return this.#live;
  }

  #convolve(action: "conv2d" | "convTranspose2d", weights: Tensor, options: ConvolutionOptions): Tensor {
    const { bias, ...places } = options;
    const filters = Tensor.#arrayOf(action, weights);
    const added = bias && Tensor.#arrayOf(action, bias);
    return new Tensor(convolve(this.#live, filters, added, action === "convTranspose2d", places));
  }

  static #arrayOf(action: string, operand: Tensor): DeviceArray {
    if (operand instanceof Tensor) return operand.#live;
    throw new InvalidArgumentError(action, "an operand", "a Tensor", String(operand));
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
    const constants: DeviceArray[] = [];
    try {
      const operands = others.map((other) => {
        if (typeof other !== "number") return Tensor.#arrayOf(fn, other);
        const constant = full(device, [], other);
        constants.push(constant);
        return constant;
      });
      return new Tensor(elementwise(fn, [this.#live, ...operands], scalars));
    } finally {
      constants.forEach((constant) => constant.storage.release());
    }
  }
}
