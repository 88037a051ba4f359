import type { AxisTable } from "../compute/kernel.ts";
import { realPart, toComplex } from "../tensor/complex.ts";
import { fft, ifft } from "../tensor/fft.ts";
import { gatherTable, transposeTable } from "../tensor/ops/axis.ts";
import { PADDING_MODES } from "../tensor/ops/pad.ts";
import { requireSameShape } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Blur, type BlurPadding } from "./blur.ts";
import { downsamplingFilter, FILTER_NAMES, type FilterName } from "./downsampling_filters.ts";
import { requireImageSize, requireItems } from "./image_size.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { LeastSquaresOptions, PhysicsOptions } from "./physics.ts";
import { type ProximalPoint, proximalPoint, proximalWeight } from "./proximal_inputs.ts";
import type { Setters } from "./updatable.ts";

/** The weight of the data term with which deepinv regularises its pseudo-inverse. */
const PSEUDO_INVERSE_GAMMA = 1e8;
const IMAGE_DIMS = [-2, -1];

/** Options of {@link Downsampling}. */
export interface DownsamplingOptions extends PhysicsOptions {
  /** (C, H, W) of the images. */
  imgSize: readonly number[];
  /** A filter (1|B, 1|C, h, w), the name of one, or `null` (default) for none. */
  filter?: Tensor | FilterName | null;
  /** Every how many samples one is kept, >= 1; default 2. */
  factor?: number;
  /** How the image continues past its border for the filter; default `"circular"`. */
  padding?: Exclude<BlurPadding, "valid">;
}

/**
 * Filters an image and keeps every f-th sample from the first: y = (h * x)[::f, ::f].
 *
 * Its proximal operator is exact without a filter, and for circular filters where f divides height and width: there
 * A A^T is a circular convolution of small images, inverted by Fourier transforms. Otherwise it is iterative.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, Downsampling, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = deadLeaves({ size: 32, seed: 1 });
 * const plain = new Downsampling({ imgSize: [3, 32, 32] }); // every other pixel, no filter
 * assert.deepEqual(
 *   await (await plain.A(x)).data(),
 *   await x.slice([null, null, [0, 32, 2], [0, 32, 2]]).data(),
 * );
 *
 * const physics = new Downsampling({ imgSize: [3, 32, 32], filter: "bicubic", factor: 4 });
 * const y = await physics.A(x);
 * assert.deepEqual(y.shape, [1, 3, 8, 8]);
 * // The closest image to a gray one that meets the data: exact, by Fourier transforms.
 * const enlarged = await physics.prox_l2(0.5, y, 1e4);
 * assert.ok(await (await physics.A(enlarged)).sub(y).abs().max().item() < 1e-2);
 * ```
 */
export class Downsampling extends LinearPhysics<Tensor> {
  /** Every how many samples one is kept. */
  readonly factor: number;
  /** (C, H, W) of the images. */
  readonly imgSize: readonly number[];
  readonly #padding: Exclude<BlurPadding, "valid">;
  #blur: Blur | undefined;
  readonly #keep: { dim: number; table: AxisTable }[];
  readonly #insert: { dim: number; table: AxisTable }[];
  /** Whether A A^T is a circular convolution. */
  readonly #isCirculant: boolean;
  #gain: Promise<Tensor> | undefined;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} for sizes, a factor, a filter or a padding that are not as above
   */
  constructor(options: DownsamplingOptions) {
    super(options);
    const { imgSize, filter = null, factor = 2, padding = "circular" } = options;
    const action = "build Downsampling";
    if (!Number.isInteger(factor) || factor < 1) {
      throw new InvalidArgumentError(action, "factor", "a whole number >= 1", String(factor));
    }
    requireImageSize(action, imgSize);
    if (!PADDING_MODES.includes(padding)) {
      const modes = PADDING_MODES.map((mode) => `"${mode}"`).join(", ");
      throw new InvalidArgumentError(action, "padding", `one of ${modes}`, `"${padding}"`);
    }
    this.factor = factor;
    this.imgSize = imgSize;
    this.#padding = padding;
    this.#blur = blurWith(filter, factor, padding);
    this.#keep = [2, 3].map((dim) => ({ dim, table: keepEvery(factor, imgSize[dim - 1]) }));
    this.#isCirculant = padding === "circular" && imgSize.slice(1).every((extent) => extent % factor === 0);
    this.#insert = this.#keep.map(({ dim, table }) => ({ dim, table: transposeTable(table) }));
  }

  /** The filter (1|B, 1|C, h, w), `null` for none. */
  get filter(): Tensor | null {
    return this.#blur?.filter ?? null;
  }

  /** `filter`: a tensor, a name, or `null`. */
  protected override setters(): Setters {
    return {
      filter: (value) => {
        this.#blur = blurWith(value as Tensor | FilterName | null, this.factor, this.#padding);
        this.#gain = undefined;
      },
    };
  }

  /**
   * The filtered and sampled images.
   *
   * @param x (B, C, H, W) of `imgSize`
   * @returns (B, C, ceil(H / f), ceil(W / f))
   * @throws {InvalidArgumentError} for another size
   */
  override async A(x: Tensor): Promise<Tensor> {
    this.#check("A", x, this.imgSize);
    if (!this.#blur) return x.applyTables(this.#keep);
    using blurred = await this.#blur.A(x);
    return blurred.applyTables(this.#keep);
  }

  /**
   * Zeros inserted between samples, then the filter's adjoint.
   *
   * @param y (B, C, ceil(H / f), ceil(W / f))
   * @returns (B, C, H, W) of `imgSize`
   * @throws {InvalidArgumentError} for another size
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    const [channels, height, width] = this.imgSize;
    this.#check("A_adjoint", y, [channels, Math.ceil(height / this.factor), Math.ceil(width / this.factor)]);
    const spread = y.applyTables(this.#insert);
    if (!this.#blur) return spread;
    using own = spread;
    return await this.#blur.A_adjoint(own);
  }

  /**
   * The proximal operator of gamma/2 ||A x - y||^2 at z: z + A^T (A A^T + I / gamma)^-1 (y - A z) where A A^T is known,
   * else iteratively.
   *
   * @param options for the iterations, where there are any
   * @throws {InvalidArgumentError} when gamma is not positive, or z not of the images' shape
   */
  override async prox_l2(
    z: ProximalPoint,
    y: Tensor,
    gamma: number | Tensor,
    options: LeastSquaresOptions = {},
  ): Promise<Tensor> {
    if (!this.hasExactInverse) return await super.prox_l2(z, y, gamma, options);
    using start = proximalPoint(z, [y.shape[0], ...this.imgSize], y);
    using predicted = await this.A(start);
    requireSameShape("compute prox_l2", "y", y, predicted);
    using shaped = proximalWeight(gamma, y);
    using residual = y.sub(predicted);
    using weights = await this.solveNormal(residual, shaped);
    using correction = await this.A_adjoint(weights);
    return start.add(correction);
  }

  /** The pseudo-inverse applied to y, by conjugate gradients as in deepinv; see `LinearPhysics.A_dagger`. */
  override A_dagger(y: Tensor, options: LeastSquaresOptions = {}): Promise<Tensor> {
    return super.prox_l2(0, y, PSEUDO_INVERSE_GAMMA, options);
  }

  /** Whether {@link Downsampling.solveNormal} is exact: without a filter, or A A^T a circular convolution. */
  get hasExactInverse(): boolean {
    return !this.#blur || this.#isCirculant;
  }

  /**
   * (A A^T + I / gamma)^-1 r by Fourier transforms, where `hasExactInverse`.
   *
   * @param r (B, C, ceil(H / f), ceil(W / f))
   * @param gamma positive, of a shape that broadcasts against r
   */
  async solveNormal(r: Tensor, gamma: Tensor): Promise<Tensor> {
    using one = Tensor.ones([1], r);
    using damping = one.div(gamma);
    if (!this.#blur) {
      using denominator = damping.add(1);
      return r.div(denominator);
    }
    using denominator = (await (this.#gain ??= this.#normalGain(r))).add(damping);
    using complex = toComplex(r);
    using spectrum = fft(complex, IMAGE_DIMS);
    const [batch, channels, ...extents] = denominator.shape;
    using complexDenominator = denominator.reshape([batch, 1, channels, ...extents]);
    using quotient = spectrum.div(complexDenominator);
    using solved = ifft(quotient, IMAGE_DIMS);
    return realPart(solved);
  }

  /** The eigenvalues of A A^T: the Fourier transform of its response to an impulse, (1|B, C, H / f, W / f). */
  async #normalGain(like: Tensor): Promise<Tensor> {
    const shape = [this.#blur!.filter.shape[0], ...like.shape.slice(1)];
    using impulse = Tensor.zeros(shape, like);
    using peak = Tensor.ones([...shape.slice(0, 2), 1, 1], like);
    impulse.writeSlice(peak, [0, 0, 0, 0]);
    using response = await this.A_A_adjoint(impulse);
    using complex = toComplex(response);
    using spectrum = fft(complex, IMAGE_DIMS);
    using real = realPart(spectrum);
    return real.relu();
  }

  #check(method: string, image: Tensor, size: readonly number[]): void {
    requireItems(`apply Downsampling.${method}`, "its argument", image, size);
  }
}

function blurWith(
  filter: Tensor | FilterName | null,
  factor: number,
  padding: Exclude<BlurPadding, "valid">,
): Blur | undefined {
  if (filter === null) return undefined;
  if (typeof filter !== "string") return new Blur({ filter, padding });
  if (!FILTER_NAMES.includes(filter)) {
    throw new InvalidArgumentError(
      "build Downsampling",
      "filter",
      `a tensor, null or one of ${FILTER_NAMES.join(", ")}`,
      `"${filter}"`,
    );
  }
  return new Blur({ filter: downsamplingFilter(filter, factor), padding });
}

function keepEvery(factor: number, length: number): AxisTable {
  return gatherTable(length, Array.from({ length: Math.ceil(length / factor) }, (_, k) => k * factor));
}
