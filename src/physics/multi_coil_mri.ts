import { imaginaryPart, realPart, toComplex } from "../tensor/complex.ts";
import { fftCentred, ifftCentred } from "../tensor/fft.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { requireComplex } from "./complex_size.ts";
import { LinearPhysics } from "./linear_physics.ts";
import { asKSpaceMask } from "./mri.ts";
import type { DrawOptions } from "./noise_model.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link MultiCoilMRI}. */
export interface MultiCoilMRIOptions extends PhysicsOptions {
  /** Which samples of k-space are measured, as for `MRI`. */
  mask: Tensor;
  /** Sensitivities of the N coils, complex: (1|B, N, H, W, 2), or (1|B, N, D, H, W, 2) for volumes. */
  coilMaps: Tensor;
}

/** Options of {@link MultiCoilMRI.A_adjoint}. */
export interface MultiCoilAdjointOptions {
  /** Gives the root of the coils' sum of squares (B, 1, ...), which needs no sensitivities; default false. */
  rss?: boolean;
}

/**
 * Magnetic resonance imaging with several coils: y_n = mask F (s_n x), y of shape (B, 2, N, H, W); the adjoint is
 * sum_n conj(s_n) F^-1(mask y_n). Its `A_dagger` is SENSE, by conjugate gradients.
 *
 * @example Four coils, half of the lines: SENSE
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   birdcageMaps,
 *   EquispacedMaskGenerator,
 *   MultiCoilMRI,
 *   openDevice,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const coilMaps = birdcageMaps({ imgSize: [16, 16], coils: 4 });
 * const { mask } = new EquispacedMaskGenerator({ imgSize: [16, 16], acceleration: 2 }).step({ seed: 1 });
 * const scan = new MultiCoilMRI({ mask, coilMaps });
 * const x = Tensor.randn([1, 2, 16, 16], { seed: 1 });
 * const y = await scan.A(x);
 * assert.deepEqual(y.shape, [1, 2, 4, 16, 16]);
 * const found = await scan.A_dagger(y, { maxIter: 100, tol: 1e-6 });
 * assert.ok(await found.sub(x).norm().item() < 0.01 * await x.norm().item());
 * assert.deepEqual((await scan.A_adjoint(y, { rss: true })).shape, [1, 1, 16, 16]); // needs no coil maps
 * ```
 */
export class MultiCoilMRI extends LinearPhysics<Tensor> {
  #mask: Tensor;
  #maps: CoilMaps;
  readonly #dims: readonly number[];

  /**
   * Builds the operator; the coil maps may be disposed afterwards.
   *
   * @throws {InvalidArgumentError} when the maps are not complex or mask and maps differ in size
   */
  constructor(options: MultiCoilMRIOptions) {
    const { noiseModel, sensor } = options;
    super({ noiseModel, sensor });
    const action = "build MultiCoilMRI";
    this.#maps = splitMaps(action, options.coilMaps);
    const spatial = this.#maps.real.shape.slice(2);
    this.#dims = spatial.map((_, d) => d - spatial.length);
    this.#mask = coilMask(action, options.mask, spatial);
  }

  /** The mask, (1|B, 1|2, 1, ...spatial). */
  get mask(): Tensor {
    return this.#mask;
  }

  /** `mask` and `coilMaps`, of the images' size; the coil maps may be disposed afterwards. */
  protected override setters(): Setters {
    const action = "update MultiCoilMRI";
    const spatial = this.#maps.real.shape.slice(2);
    return {
      mask: (value) => this.#mask = coilMask(action, value as Tensor, spatial),
      coilMaps: (value) => {
        const maps = splitMaps(action, value as Tensor, spatial);
        this.#maps.real.dispose();
        this.#maps.imaginary.dispose();
        this.#maps = maps;
      },
    };
  }

  /** A copy of its own. */
  override clone(): this {
    return this.withSettings(this.withCoils(0, this.numCoils) as this);
  }

  /** The number of coils N. */
  get numCoils(): number {
    return this.#maps.real.shape[1];
  }

  /**
   * The same scan with the coils `begin` to `end` - 1 only.
   *
   * @throws {InvalidArgumentError} when that is no coil, or a range outside the coils
   */
  withCoils(begin: number, end: number): MultiCoilMRI {
    if (
      !(Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin < end && end <= this.numCoils)
    ) {
      throw new InvalidArgumentError(
        "select coils",
        "begin and end",
        `0 <= begin < end <= ${this.numCoils}`,
        `${begin} and ${end}`,
      );
    }
    using real = this.#maps.real.slice([null, [begin, end]]);
    using imaginary = this.#maps.imaginary.slice([null, [begin, end]]);
    using coilMaps = Tensor.stack([real, imaginary], real.shape.length);
    const [batch, channels, , ...spatial] = this.mask.shape;
    using shaped = this.mask.reshape([batch, channels, ...spatial]);
    const part = new MultiCoilMRI({ mask: shaped.clone(), coilMaps, noiseModel: this.noiseModel });
    part.sensor = this.sensor;
    return part;
  }

  /**
   * k-space of all coils.
   *
   * @param x (B, 2, H, W), of volumes (B, 2, D, H, W)
   * @returns (B, 2, N, H, W), of volumes (B, 2, N, D, H, W)
   * @throws {InvalidArgumentError} for another size, or another number of items than the maps' or the mask's
   */
  override async A(x: Tensor): Promise<Tensor> {
    const spatial = this.#maps.real.shape.slice(2);
    this.#check("A", "x", x, spatial);
    using xr = x.slice([null, [0, 1]]);
    using xi = x.slice([null, [1, 2]]);
    using rr = xr.mul(this.#maps.real);
    using ii = xi.mul(this.#maps.imaginary);
    using ri = xr.mul(this.#maps.imaginary);
    using ir = xi.mul(this.#maps.real);
    using real = rr.sub(ii);
    using imaginary = ri.add(ir);
    using coils = toComplex(real, imaginary);
    using kSpace = fftCentred(coils, this.#dims);
    return await Promise.resolve(kSpace.mul(this.#mask));
  }

  /**
   * sum_n conj(s_n) F^-1(mask y_n), or with `rss` sqrt(sum_n |F^-1(mask y_n)|^2).
   *
   * @param y (B, 2, N, H, W)
   * @returns (B, 2, H, W), with `rss` (B, 1, H, W)
   * @throws {InvalidArgumentError} as `A`
   */
  override async A_adjoint(y: Tensor, options: MultiCoilAdjointOptions = {}): Promise<Tensor> {
    const [batch, , ...rest] = y.shape;
    const expected = this.#maps.real.shape.slice(1);
    this.#check("A_adjoint", "y", y, expected);
    using masked = y.mul(this.#mask);
    using coils = ifftCentred(masked, this.#dims);
    if (options.rss) {
      using norm = coils.norm([1, 2]);
      return await Promise.resolve(norm.reshape([batch, 1, ...rest.slice(1)]));
    }
    using zr = realPart(coils);
    using zi = imaginaryPart(coils);
    using rr = zr.mul(this.#maps.real);
    using ii = zi.mul(this.#maps.imaginary);
    using ir = zi.mul(this.#maps.real);
    using ri = zr.mul(this.#maps.imaginary);
    using real = rr.add(ii);
    using imaginary = ir.sub(ri);
    using both = toComplex(real, imaginary);
    return both.sum(2);
  }

  /** mask noise(clean) */
  protected override async addNoise(clean: Tensor, draw: DrawOptions): Promise<Tensor> {
    using noisy = await super.addNoise(clean, draw);
    return noisy.mul(this.#mask);
  }

  #check(method: string, argument: string, signal: Tensor, rest: readonly number[]): void {
    const items = Math.max(this.#maps.real.shape[0], this.#mask.shape[0]);
    requireComplex(`apply MultiCoilMRI.${method}`, signal, rest);
    if (items === 1 || items === signal.shape[0]) return;
    throw new InvalidArgumentError(
      `apply MultiCoilMRI.${method}`,
      argument,
      `of ${items} items, as the coil maps or the mask`,
      formatShape(signal.shape),
    );
  }
}

/** Real and imaginary parts of sensitivities, (1|B, N, ...spatial). */
interface CoilMaps {
  readonly real: Tensor;
  readonly imaginary: Tensor;
}

function splitMaps(action: string, coilMaps: Tensor, expected?: readonly number[]): CoilMaps {
  if (!(coilMaps instanceof Tensor)) {
    throw new InvalidArgumentError(action, "coilMaps", "a tensor", String(coilMaps));
  }
  const { shape } = coilMaps;
  const spatial = shape.slice(2, -1);
  const fits = expected
    ? formatShape(spatial) === formatShape(expected)
    : spatial.length === 2 || spatial.length === 3;
  if (!fits || shape.at(-1) !== 2) {
    const sizes = expected ? `(B, N, ${expected.join(", ")}, 2)` : "(B, N, H, W, 2) or (B, N, D, H, W, 2)";
    throw new InvalidArgumentError(action, "coilMaps", sizes, formatShape(shape));
  }
  const part = (k: number): Tensor => {
    using plane = coilMaps.slice([...shape.slice(0, -1).map(() => null), [k, k + 1]]);
    return plane.reshape(shape.slice(0, -1));
  };
  return { real: part(0), imaginary: part(1) };
}

/** A mask as (1|B, 1|2, 1, ...spatial). */
function coilMask(action: string, mask: Tensor, spatial: readonly number[]): Tensor {
  using kSpaceMask = asKSpaceMask(action, mask, spatial.length);
  if (formatShape(kSpaceMask.shape.slice(2)) !== formatShape(spatial)) {
    throw new InvalidArgumentError(
      action,
      "mask",
      `of the coil maps' size ${formatShape(spatial)}`,
      formatShape(mask.shape),
    );
  }
  return kSpaceMask.reshape([...kSpaceMask.shape.slice(0, 2), 1, ...spatial]);
}
