import { toComplex } from "../tensor/complex.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { Nufft } from "./nufft.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";
import { checkSampling, openTransform, type VisibilitySampling } from "./visibility_sampling.ts";

/** Options of {@link RadioInterferometry}. */
export interface RadioInterferometryOptions extends VisibilitySampling, PhysicsOptions {
  /** One weight for all visibilities, or one for each: a number, or (1,) or (K,), copied. Default 1. */
  dataWeight?: Tensor | number;
  /** Whether images are real (B, 1, H, W), the default, or complex (B, 2, H, W). */
  realProjection?: boolean;
}

/**
 * Radio interferometry: the visibilities of a sky image at arbitrary spatial frequencies,
 *
 *     y_k = weight_k / sqrt(G_1 G_2) sum_n x[n] exp(-i w_k . n),  n counted from the image's centre floor(N / 2),
 *
 * with G = kOversampling imgSize, which is deepinv's scaling. Complex visibilities are two channels (B, 2, K), real and
 * imaginary parts. Computed by a non-uniform Fourier transform with Kaiser-Bessel gridding; with the defaults it agrees
 * with the sum to 1e-5. The adjoint is the transpose of the same computation, its real part for real images.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, RadioInterferometry, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const samplesLoc = Tensor.from([[0, 0.5, -1], [0, 2, 3]]); // three spatial frequencies
 * const physics = new RadioInterferometry({ imgSize: [32, 32], samplesLoc });
 * const x = Tensor.randn([1, 1, 32, 32], { seed: 1 });
 * const y = await physics.A(x); // (1, 2, 3): real and imaginary parts
 * // The second one by the sum: frequency (0.5, 2), G = 2 * 32.
 * const pixels = await x.data();
 * const sum = pixels.reduce((sum, value, n) => {
 *   const [row, column] = [Math.floor(n / 32) - 16, n % 32 - 16];
 *   return sum + value * Math.cos(0.5 * row + 2 * column) / 64;
 * }, 0);
 * assert.ok(Math.abs((await y.data())[1] - sum) < 1e-4);
 * assert.ok(Math.abs(await physics.adjointnessTest(x)) < 1e-3);
 * ```
 */
export class RadioInterferometry extends LinearPhysics<Tensor> {
  /** (H, W) of the images. */
  readonly imgSize: readonly number[];
  /** Spatial frequencies (2, K), radians per pixel. */
  readonly samplesLoc: Tensor;
  /** Grid points per pixel. */
  readonly kOversampling: number;
  /** Grid points per visibility and axis. */
  readonly interpPoints: number;
  /** Whether images are real. */
  readonly realProjection: boolean;
  #dataWeight: Tensor;
  #transform: Promise<Nufft> | undefined;

  /**
   * Builds the operator; the locations and weights may be disposed afterwards. Locations are read at the first use, which
   * refuses those that are outside [-pi, pi].
   *
   * @throws {InvalidArgumentError} for sizes, shapes and numbers outside their ranges
   */
  constructor(options: RadioInterferometryOptions) {
    checkSampling("build RadioInterferometry", options);
    const { imgSize, samplesLoc, dataWeight = 1, kOversampling = 2, interpPoints = 7 } = options;
    const weight = weightsOf(dataWeight, samplesLoc);
    const kept: RadioInterferometryOptions = {
      ...options,
      samplesLoc: samplesLoc.clone(),
      dataWeight: weight,
    };
    super(kept);
    this.imgSize = [...imgSize];
    this.kOversampling = kOversampling;
    this.interpPoints = interpPoints;
    this.realProjection = options.realProjection ?? true;
    this.samplesLoc = kept.samplesLoc;
    this.#dataWeight = weight;
  }

  /** The visibilities' weights, (1,) or (K,). */
  get dataWeight(): Tensor {
    return this.#dataWeight;
  }

  /** `dataWeight`, which may be disposed afterwards. */
  override update(parameters: object): void {
    const { dataWeight } = parameters as { dataWeight?: unknown };
    super.update(
      dataWeight instanceof Tensor ? { ...parameters, dataWeight: dataWeight.clone() } : parameters,
    );
  }

  /** `dataWeight`. */
  protected override setters(): Setters {
    return {
      dataWeight: (value) => {
        const weight = weightsOf(value, this.samplesLoc);
        this.#dataWeight.dispose();
        this.#dataWeight = weight;
      },
    };
  }

  /** The number of visibilities K. */
  get numVisibilities(): number {
    return this.samplesLoc.shape[1];
  }

  /**
   * The same instrument with the visibilities `begin` to `end` - 1 only.
   *
   * @throws {InvalidArgumentError} when that is none, or a range outside them
   */
  withVisibilities(begin: number, end: number): RadioInterferometry {
    const count = this.numVisibilities;
    if (!(Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin < end && end <= count)) {
      throw new InvalidArgumentError(
        "select visibilities",
        "begin and end",
        `whole numbers with 0 <= begin < end <= ${count}`,
        `${begin} and ${end}`,
      );
    }
    using samplesLoc = this.samplesLoc.slice([null, [begin, end]]);
    using dataWeight = this.dataWeight.numel === 1
      ? this.dataWeight.clone()
      : this.dataWeight.slice([[begin, end]]);
    const { imgSize, kOversampling, interpPoints, realProjection, noiseModel, sensor } = this;
    const rest = { imgSize, kOversampling, interpPoints, realProjection, noiseModel, sensor };
    return new RadioInterferometry({ samplesLoc, dataWeight, ...rest });
  }

  /**
   * The weighted visibilities.
   *
   * @param x (B, 1, H, W); without `realProjection` also complex, (B, 2, H, W)
   * @returns (B, 2, K)
   * @throws {InvalidArgumentError} for another shape, and at the first use for locations that are outside [-pi, pi]
   */
  override async A(x: Tensor): Promise<Tensor> {
    const [batch, channels, ...size] = x.shape;
    const allowed = this.realProjection ? [1] : [1, 2];
    if (formatShape(size) !== formatShape(this.imgSize) || !allowed.includes(channels)) {
      throw new InvalidArgumentError(
        "apply RadioInterferometry.A",
        "x",
        `of shape (B, ${allowed.join("|")}, ${this.imgSize.join(", ")})`,
        formatShape(x.shape),
      );
    }
    using plain = x.reshape([batch, ...(channels === 2 ? [2] : []), ...size]);
    using image = channels === 2 ? plain.clone() : toComplex(plain);
    const transform = await this.#nufft();
    using visibilities = transform.forward(image);
    return visibilities.mul(this.dataWeight);
  }

  /**
   * The adjoint: the dirty image of weighted visibilities, and its real part if images are real.
   *
   * @param y (B, 2, K)
   * @returns (B, 1, H, W); without `realProjection` (B, 2, H, W)
   * @throws {InvalidArgumentError} as `A`
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    const [batch, complex, count] = y.shape;
    if (y.shape.length !== 3 || complex !== 2 || count !== this.numVisibilities) {
      throw new InvalidArgumentError(
        "apply RadioInterferometry.A_adjoint",
        "y",
        `of shape (B, 2, ${this.numVisibilities})`,
        formatShape(y.shape),
      );
    }
    const transform = await this.#nufft();
    using weighted = y.mul(this.dataWeight);
    using image = transform.adjoint(weighted);
    const channels = this.realProjection ? 1 : 2;
    using kept = image.slice([null, [0, channels]]);
    return kept.reshape([batch, channels, ...this.imgSize]);
  }

  #nufft(): Promise<Nufft> {
    return this.#transform ??= openTransform("use RadioInterferometry", this);
  }
}

/** A copy of the weights, (1,) or (K,). */
function weightsOf(dataWeight: unknown, samplesLoc: Tensor): Tensor {
  const count = samplesLoc.shape[1];
  if (typeof dataWeight === "number" && Number.isFinite(dataWeight)) {
    return Tensor.full([1], dataWeight, samplesLoc);
  }
  if (
    dataWeight instanceof Tensor && (dataWeight.numel === 1 || formatShape(dataWeight.shape) === `(${count})`)
  ) {
    using copy = dataWeight.clone();
    return copy.reshape([copy.numel]);
  }
  throw new InvalidArgumentError(
    "build RadioInterferometry",
    "dataWeight",
    `a finite number or a tensor of shape (1) or (${count})`,
    dataWeight instanceof Tensor ? `shape ${formatShape(dataWeight.shape)}` : String(dataWeight),
  );
}
