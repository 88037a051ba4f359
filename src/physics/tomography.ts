import type { Device } from "../compute/device.ts";
import type { RadonKernel } from "../compute/kernel.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import { nonnegativeNorm } from "./nonnegative_norm.ts";
import type { LeastSquaresOptions, PhysicsOptions } from "./physics.ts";
import {
  fanBeam,
  type FanParameters,
  parallelBeam,
  type RadonGeometry,
  viewDirections,
} from "./radon_geometry.ts";
import { rampFilter } from "./ramp_filter.ts";

/** Options of {@link Tomography}. */
export interface TomographyOptions extends PhysicsOptions {
  /** Angles in degrees, or how many to spread evenly over [0, 180). */
  angles: number | readonly number[];
  /** Rows and columns of the images. */
  imgWidth: number;
  /** Whether only the pixels inside the inscribed circle are seen; default false. */
  circle?: boolean;
  /** Whether the operator is divided by its norm, found by the power method when first needed; default true. */
  normalize?: boolean;
  /**
   * Whether `A_adjoint` is the exact adjoint (default); otherwise each pixel interpolates its place on every detector,
   * which is smoother and only nearly the adjoint. A fan beam always has the exact one.
   */
  adjointViaBackprop?: boolean;
  /** Whether rays start from one point instead of running parallel; default false. */
  fanBeam?: boolean;
  /** The scanner of a fan beam. */
  fanParameters?: FanParameters;
}

/** Options of {@link Tomography.A_dagger}. */
export interface TomographyInverseOptions extends LeastSquaresOptions {
  /** Gives the filtered back-projection instead of the least-squares solution; default false. */
  fbp?: boolean;
}

/** What a scan holds on one device. */
interface Resident {
  /** (cos t, sin t), (angles, 2). */
  readonly directions: Tensor;
  /** 1 inside the inscribed circle, else 0, (imgWidth, imgWidth). */
  readonly disc: Tensor | undefined;
}

/**
 * Computed tomography: y[i, k] is the sum of the image over ray i of the view at angle k, in pixel units, by bilinear
 * interpolation on the grid rotated by that angle, zeros outside. Images are square (B, C, W, W), projections
 * (B, C, detectors, angles) with ceil(sqrt(2) W) detectors (W with `circle`) for a parallel beam.
 *
 * `A_dagger` is the least-squares solution by conjugate gradients; {@link Tomography.fbp} the filtered back-projection.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, psnr, setDefaultDevice, sheppLogan, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = sheppLogan(32);
 * const scan = new Tomography({ angles: 45, imgWidth: 32, circle: true, normalize: false });
 * const y = await scan.A(x); // sums along rays
 * assert.deepEqual(y.shape, [1, 1, 32, 45]); // (B, C, detectors, angles)
 * const total = await x.sum().item(); // what every view sees
 * assert.ok((await y.sum(2).data()).every((view) => Math.abs(view - total) < 0.02 * total));
 *
 * const filtered = await scan.fbp(y);
 * const solved = await scan.A_dagger(y, { maxIter: 20 }); // least squares
 * assert.ok(await psnr(filtered, x).item() > 19);
 * assert.ok(await psnr(solved, x).item() > 25);
 * ```
 */
export class Tomography extends LinearPhysics<Tensor> {
  /** Angles in degrees. */
  readonly angles: readonly number[];
  /** Rows and columns of the images. */
  readonly imgWidth: number;
  readonly #options: TomographyOptions;
  readonly #geometry: RadonGeometry;
  readonly #residents = new WeakMap<Device, Resident>();
  #norm: Promise<number> | undefined;
  /** The scan whose norm counts, where this one has some of its views only. */
  #whole: Tomography | undefined;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} for angles that are none or not finite, and a width that is not a whole number >= 1
   */
  constructor(options: TomographyOptions) {
    super(options);
    const { angles, imgWidth, circle = false } = options;
    const action = "build Tomography";
    if (!Number.isInteger(imgWidth) || imgWidth < 1) {
      throw new InvalidArgumentError(action, "imgWidth", "a whole number >= 1", String(imgWidth));
    }
    const counted = typeof angles === "number";
    if (
      counted ? !Number.isInteger(angles) || angles < 1 : !angles?.length || !angles.every(Number.isFinite)
    ) {
      throw new InvalidArgumentError(
        action,
        "angles",
        "a whole number >= 1 or a list of at least one angle, all finite",
        String(angles) || "none",
      );
    }
    this.angles = counted ? Array.from({ length: angles }, (_, k) => k * 180 / angles) : [...angles];
    this.imgWidth = imgWidth;
    this.#options = options;
    this.#geometry = options.fanBeam
      ? fanBeam(imgWidth, circle, options.fanParameters ?? {})
      : parallelBeam(imgWidth, circle);
  }

  /**
   * The projections.
   *
   * @param x (B, C, imgWidth, imgWidth)
   * @returns (B, C, detectors, angles)
   * @throws {InvalidArgumentError} for another size
   */
  override async A(x: Tensor): Promise<Tensor> {
    const { size } = this.#geometry;
    this.#check("A", x, [size, size]);
    const { disc } = this.#residentOn(x);
    using seen = disc ? x.mul(disc) : undefined;
    return await this.#scaled(this.#run("project", seen ?? x), -1);
  }

  /**
   * The back-projection: the exact adjoint, unless the operator was built otherwise.
   *
   * @param y (B, C, detectors, angles)
   * @returns (B, C, imgWidth, imgWidth)
   * @throws {InvalidArgumentError} for another size
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    this.#check("A_adjoint", y, [this.#geometry.detectors, this.angles.length]);
    const { adjointViaBackprop = true, fanBeam = false } = this.#options;
    const { disc } = this.#residentOn(y);
    const image = this.#run(adjointViaBackprop || fanBeam ? "adjoint" : "interpolate", y);
    if (!disc) return await this.#scaled(image, -1);
    using whole = image;
    return await this.#scaled(whole.mul(disc), -1);
  }

  /**
   * The filtered back-projection: `A_adjoint` of the ramp-filtered projections, times pi / (2 angles) and the operator's
   * squared norm where it is normalised.
   *
   * @param y (B, C, detectors, angles)
   * @returns (B, C, imgWidth, imgWidth)
   * @throws {InvalidArgumentError} for another size
   */
  async fbp(y: Tensor): Promise<Tensor> {
    this.#check("fbp", y, [this.#geometry.detectors, this.angles.length]);
    using filtered = rampFilter(y);
    using image = await this.A_adjoint(filtered);
    return await this.#scaled(image.mul(Math.PI / (2 * this.angles.length)), 2);
  }

  /**
   * The least-squares solution, by conjugate gradients.
   *
   * @param options.fbp gives {@link fbp} instead
   */
  override A_dagger(y: Tensor, options: TomographyInverseOptions = {}): Promise<Tensor> {
    const { fbp = false, ...rest } = options;
    return fbp ? this.fbp(y) : super.A_dagger(y, rest);
  }

  /**
   * What the projections are divided by: the norm of the operator (of the whole scan, for some of its views), or 1
   * without `normalize`.
   *
   * @param options where to compute it when it is first needed
   */
  operatorNorm(options: TensorOptions = {}): Promise<number> {
    if (this.#options.normalize === false) return Promise.resolve(1);
    return this.#whole?.operatorNorm(options) ?? (this.#norm ??= this.#powerNorm(options));
  }

  /**
   * The same scan with fewer views, divided by the same norm.
   *
   * @param views positions in `angles`
   * @throws {InvalidArgumentError} when there is none, or one that is not a position
   */
  withViews(views: readonly number[]): Tomography {
    const last = this.angles.length - 1;
    if (views.length === 0 || !views.every((view) => Number.isInteger(view) && view >= 0 && view <= last)) {
      throw new InvalidArgumentError("select views", "views", `in [0, ${last}], at least one`, String(views));
    }
    const part = new Tomography({ ...this.#options, angles: views.map((view) => this.angles[view]) });
    part.noiseModel = this.noiseModel;
    part.#whole = this;
    return part;
  }

  /** A copy of its own, divided by the same norm. */
  override clone(): this {
    const copy = super.clone();
    copy.#whole = this.#whole ?? this;
    return copy;
  }

  /** The image's projections, or an image from projections, before any scaling. */
  #run(mode: RadonKernel["mode"], input: Tensor): Tensor {
    const { turn: _, ...geometry } = this.#geometry;
    const { size, detectors } = geometry;
    const [batch, channels] = input.shape, angles = this.angles.length;
    const { directions } = this.#residentOn(input);
    const extents = mode === "project" ? [detectors, angles] : [size, size];
    const output = Tensor.empty([batch, channels, ...extents], input);
    try {
      const buffers = [input, directions].map((tensor) => tensor.array.storage.buffer);
      const kernel: RadonKernel = { kind: "radon", mode, planes: batch * channels, angles, ...geometry };
      input.device.run(kernel, buffers, output.array.storage.buffer);
      return output;
    } catch (error) {
      output.dispose();
      throw error;
    }
  }

  /** `signal` times a power of the operator's norm; takes the signal over. */
  async #scaled(signal: Tensor, power: number): Promise<Tensor> {
    if (this.#options.normalize === false) return signal;
    using own = signal;
    const norm = await this.operatorNorm(signal);
    return own.mul(norm ** power);
  }

  /** The largest singular value, by the power method from a constant image; 1 for an operator that sees nothing. */
  async #powerNorm({ device }: TensorOptions): Promise<number> {
    const { angles, imgWidth } = this;
    const plain = new Tomography({ ...this.#options, angles, normalize: false, adjointViaBackprop: true });
    using image = Tensor.ones([1, 1, imgWidth, imgWidth], { device });
    return await nonnegativeNorm(plain, image) || 1;
  }

  /** The views' directions and the disc on the signal's device. */
  #residentOn(signal: Tensor): Resident {
    const known = this.#residents.get(signal.device);
    if (known) return known;
    const { size, turn } = this.#geometry;
    const resident = {
      directions: Tensor.from(viewDirections(this.angles, turn), [this.angles.length, 2], signal),
      disc: this.#options.circle ? inscribedDisc(size, signal) : undefined,
    };
    this.#residents.set(signal.device, resident);
    return resident;
  }

  #check(method: string, signal: Tensor, extents: readonly number[]): void {
    if (signal.shape.length === 4 && formatShape(signal.shape.slice(2)) === formatShape(extents)) return;
    throw new InvalidArgumentError(
      `apply Tomography.${method}`,
      "its argument",
      `of shape (B, C, ${extents.join(", ")})`,
      formatShape(signal.shape),
    );
  }
}

/** 1 where x^2 + y^2 <= 1, x and y running from -1 to 1 over the image: in whole numbers, so that no pixel is lost to rounding. */
function inscribedDisc(size: number, like: TensorOptions): Tensor {
  const radius = size - 1;
  const values = Float32Array.from({ length: size * size }, (_, k) => {
    const x = 2 * (k % size) - radius, y = 2 * Math.floor(k / size) - radius;
    return x * x + y * y <= radius * radius ? 1 : 0;
  });
  return Tensor.from(values, [size, size], like);
}
