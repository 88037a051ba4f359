import { generatorFor } from "../tensor/random.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { GramSolver } from "./gram_solver.ts";
import { requireImageSize } from "./image_size.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { LeastSquaresOptions, PhysicsOptions } from "./physics.ts";

/** Options of {@link CompressedSensing}. */
export interface CompressedSensingOptions extends PhysicsOptions, TensorOptions {
  /** Number of measurements, >= 1. */
  m: number;
  /** (C, H, W) of the images. */
  imgSize: readonly number[];
  /** Whether each channel is measured by itself, by the same matrix; default false. */
  channelwise?: boolean;
  /** Of the random matrix; default 0. */
  seed?: number;
  /** The matrix (m, n) itself, instead of a random one. The operator keeps using it. */
  matrix?: Tensor;
}

/**
 * Random projections: y = A x, A dense (m, n) with independent entries N(0, 1) / sqrt(m), n = C H W, or H W where each
 * channel is measured by itself. Measurements are (B, m), or (B, C, m).
 *
 * `A_dagger` is the exact pseudo-inverse, A^T (A A^T)^-1 y for m <= n, else (A^T A)^-1 A^T y, by a Cholesky factorisation in
 * float64 that is made when it is first needed, in time O(min(m, n)^2 max(m, n)).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CompressedSensing, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const sensing = new CompressedSensing({ m: 20, imgSize: [1, 8, 8], seed: 1 });
 * const x = Tensor.randn([1, 1, 8, 8], { seed: 2 });
 * const y = await sensing.A(x); // (1, 20)
 * const direct = x.reshape([1, 64]).matmul(sensing.matrix.permute([1, 0]));
 * assert.ok(await y.sub(direct).abs().max().item() < 1e-5);
 * const smallest = await sensing.A_dagger(y); // the image of least norm with these measurements
 * assert.ok(await (await sensing.A(smallest)).sub(y).abs().max().item() < 1e-4);
 * assert.ok(await smallest.norm().item() < await x.norm().item());
 * ```
 */
export class CompressedSensing extends LinearPhysics<Tensor> {
  /** Number of measurements. */
  readonly m: number;
  /** (C, H, W) of the images. */
  readonly imgSize: readonly number[];
  /** Whether each channel is measured by itself. */
  readonly channelwise: boolean;
  /** The matrix (m, n). */
  readonly matrix: Tensor;
  readonly #transposed: Tensor;
  #gram: Promise<GramSolver> | undefined;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when imgSize is not (C, H, W), m not a whole number >= 1, or the matrix not (m, n)
   */
  constructor(options: CompressedSensingOptions) {
    super(options);
    const { m, imgSize, channelwise = false, seed = 0, device } = options;
    const action = "build CompressedSensing";
    requireImageSize(action, imgSize);
    if (!Number.isInteger(m) || m < 1) {
      throw new InvalidArgumentError(action, "m", "a whole number >= 1", String(m));
    }
    const [channels, height, width] = imgSize;
    const n = (channelwise ? 1 : channels) * height * width;
    const { matrix = randomMatrix(m, n, seed, { device }) } = options;
    if (matrix.shape.length !== 2 || matrix.shape[0] !== m || matrix.shape[1] !== n) {
      throw new InvalidArgumentError(action, "matrix", `of shape (${m}, ${n})`, formatShape(matrix.shape));
    }
    this.m = m;
    this.imgSize = imgSize;
    this.channelwise = channelwise;
    this.matrix = matrix;
    this.#transposed = matrix.permute([1, 0]);
  }

  /**
   * The measurements.
   *
   * @param x (B, C, H, W)
   * @returns (B, m), channelwise (B, C, m)
   * @throws {InvalidArgumentError} for another size
   */
  override async A(x: Tensor): Promise<Tensor> {
    if (formatShape(x.shape.slice(1)) !== formatShape(this.imgSize)) {
      this.#refuse("A", "x", `(B, ${this.imgSize.join(", ")})`, x);
    }
    using flat = x.reshape([-1, this.matrix.shape[1]]);
    using y = flat.matmul(this.#transposed);
    const [batch, channels] = x.shape;
    return await Promise.resolve(y.reshape(this.channelwise ? [batch, channels, this.m] : [batch, this.m]));
  }

  /**
   * A^T y
   *
   * @param y (B, m), channelwise (B, C, m)
   * @returns (B, C, H, W)
   * @throws {InvalidArgumentError} for another size
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    using flat = this.#rowsOf("A_adjoint", y);
    using x = flat.matmul(this.matrix);
    return await Promise.resolve(x.reshape([y.shape[0], ...this.imgSize]));
  }

  /**
   * The exact pseudo-inverse applied to y; with a solver in the options, the iterative one of {@link LinearPhysics.A_dagger}.
   *
   * @param y (B, m), channelwise (B, C, m)
   */
  override async A_dagger(y: Tensor, options: LeastSquaresOptions = {}): Promise<Tensor> {
    if (options.solver) return await super.A_dagger(y, options);
    const gram = await (this.#gram ??= this.#factorise());
    using flat = this.#rowsOf("A_dagger", y);
    if (this.m <= this.matrix.shape[1]) {
      using solved = await solveRows(gram, flat);
      using x = solved.matmul(this.matrix);
      return x.reshape([y.shape[0], ...this.imgSize]);
    }
    using projected = flat.matmul(this.matrix);
    using x = await solveRows(gram, projected);
    return x.reshape([y.shape[0], ...this.imgSize]);
  }

  /**
   * The same operator with the measurements `begin` to `end` - 1 only, equally scaled.
   *
   * @throws {InvalidArgumentError} when that is no measurement, or a range outside them
   */
  withRows(begin: number, end: number): CompressedSensing {
    if (!(Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin < end && end <= this.m)) {
      throw new InvalidArgumentError(
        "select measurements",
        "begin and end",
        `0 <= begin < end <= ${this.m}`,
        `${begin} and ${end}`,
      );
    }
    const { imgSize, channelwise, noiseModel, sensor } = this;
    const matrix = this.matrix.slice([[begin, end]]);
    return new CompressedSensing({ m: end - begin, imgSize, channelwise, matrix, noiseModel, sensor });
  }

  /** Measurements as (B, m), one row for each image or channel. */
  #rowsOf(method: string, y: Tensor): Tensor {
    const rest = this.channelwise ? [this.imgSize[0], this.m] : [this.m];
    if (y.shape.length !== rest.length + 1 || formatShape(y.shape.slice(1)) !== formatShape(rest)) {
      this.#refuse(method, "y", `(B, ${rest.join(", ")})`, y);
    }
    return y.reshape([-1, this.m]);
  }

  async #factorise(): Promise<GramSolver> {
    const wide = this.m <= this.matrix.shape[1];
    const rows = wide ? this.matrix : this.#transposed;
    return new GramSolver(await rows.data(), rows.shape[0]);
  }

  #refuse(method: string, argument: string, shape: string, got: Tensor): never {
    throw new InvalidArgumentError(
      `apply CompressedSensing.${method}`,
      argument,
      `of shape ${shape}`,
      formatShape(got.shape),
    );
  }
}

/** G^-1 of every row. */
async function solveRows(gram: GramSolver, rows: Tensor): Promise<Tensor> {
  const [count, length] = rows.shape;
  const values = Float64Array.from(await rows.data());
  for (let row = 0; row < count; row++) gram.solve(values.subarray(row * length, (row + 1) * length));
  return Tensor.from(Float32Array.from(values), rows.shape, rows);
}

function randomMatrix(m: number, n: number, seed: number, options: TensorOptions): Tensor {
  const values = new Float32Array(m * n);
  generatorFor(seed).fillNormal(values);
  return Tensor.from(values.map((value) => value / Math.sqrt(m)), [m, n], options);
}
