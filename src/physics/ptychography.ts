import { ComplexFactor } from "../tensor/complex_factor.ts";
import { fft, ifft } from "../tensor/fft.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { complexExtents, requireComplex } from "./complex_size.ts";
import { LinearPhysics } from "./linear_physics.ts";
import { PhaseRetrieval } from "./phase_retrieval.ts";
import type { PhysicsOptions } from "./physics.ts";
import { normalisedProbes, type ProbeShift, ptychographyShifts } from "./ptychography_probes.ts";

/** Options of {@link Ptychography}. */
export interface PtychographyOptions extends PhysicsOptions {
  /** Size of the complex images: (2, H, W), channels real and imaginary; (1, H, W) and (H, W) say the same. */
  imgSize: readonly number[];
  /** The illumination before it is moved: (H, W) or (1, H, W) if real, (2, H, W) if complex; default a disc of radius 10. */
  probe?: Tensor;
  /** By how many rows and columns the probe is moved, whole numbers; default 25 on a grid over the image. */
  shifts?: readonly ProbeShift[];
}

const DIMS = [-2, -1];

/**
 * Ptychography: a probe illuminates one part of the object after the other, and detectors count the diffraction patterns,
 *
 *     y_i = |F (p_i x)|^2,   F the unitary 2-D Fourier transform,
 *
 * p_i the probe moved by shift i, with zeros entering, and divided by sqrt(mean of sum_i |p_i|^2). Complex images
 * (B, 2, H, W), measurements (B, shifts, H, W). Conventions are deepinv's.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   discProbe,
 *   openDevice,
 *   Ptychography,
 *   ptychographyShifts,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const shifts = ptychographyShifts([16, 16], 9); // a 3 x 3 grid; 25 positions by default
 * const physics = new Ptychography({ imgSize: [2, 16, 16], probe: discProbe([16, 16], 6), shifts });
 * const x = Tensor.randn([1, 2, 16, 16], { seed: 1 });
 * const y = await physics.A(x); // a diffraction pattern for every position
 * assert.deepEqual(y.shape, [1, 9, 16, 16]);
 * const bright = await physics.A(x.mul(2)); // intensities
 * assert.ok(await bright.sub(y.mul(4)).abs().max().item() < 1e-4 * await bright.max().item());
 * ```
 */
export class Ptychography extends PhaseRetrieval {
  /** The moved, normalised probes, complex: (2, shifts, H, W). */
  readonly probes: Tensor;
  /** By how many rows and columns each probe is moved. */
  readonly shifts: readonly ProbeShift[];

  /**
   * Builds the operator; the probe may be disposed afterwards.
   *
   * @throws {InvalidArgumentError} for sizes that are not of complex images, a probe of another size, and shifts that are
   * none or not whole numbers
   */
  constructor(options: PtychographyOptions);
  /** Some of another operator's probes, as they are. */
  constructor(options: PhysicsOptions & { probes: Tensor; shifts: readonly ProbeShift[] });
  constructor(
    options: PtychographyOptions | (PhysicsOptions & { probes: Tensor; shifts: readonly ProbeShift[] }),
  ) {
    const action = "build Ptychography";
    if ("probes" in options) {
      super({ ...options, B: new ShiftedProbes(options.probes) });
      this.probes = options.probes;
      this.shifts = options.shifts;
      return;
    }
    const extents = complexExtents(action, "imgSize", options.imgSize);
    const shifts = options.shifts ?? ptychographyShifts(extents);
    const probes = normalisedProbes(action, extents, shifts, options.probe);
    super({ ...options, B: new ShiftedProbes(probes) });
    this.probes = probes;
    this.shifts = shifts.map(([rows, columns]) => [rows, columns] as const);
  }

  /**
   * The same scan with neighbouring shifts only, and the whole's normalisation.
   *
   * @param begin first shift
   * @param end one behind the last
   * @throws {InvalidArgumentError} when that is no part of the scan
   */
  withShifts(begin: number, end: number): Ptychography {
    const count = this.shifts.length;
    if (!(Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin < end && end <= count)) {
      throw new InvalidArgumentError(
        "select shifts",
        "begin and end",
        `whole numbers with 0 <= begin < end <= ${count}`,
        `${begin} and ${end}`,
      );
    }
    return new Ptychography({
      probes: this.probes.slice([null, [begin, end]]),
      shifts: this.shifts.slice(begin, end),
      noiseModel: this.noiseModel,
      sensor: this.sensor,
    });
  }

  /** Never: the shifts are where other measurements have their channel. */
  protected override keepsChannel(_dimensions: number): boolean {
    return false;
  }
}

/** z_i = F (p_i x), complex images (B, 2, H, W) to complex patterns (B, 2, shifts, H, W). */
class ShiftedProbes extends LinearPhysics<Tensor> {
  readonly #extents: readonly number[];
  readonly #factor: ComplexFactor;

  /** @param probes (2, shifts, H, W) */
  constructor(probes: Tensor) {
    super();
    this.#extents = probes.shape.slice(1);
    const part = (k: number): Tensor => {
      using plane = probes.slice([[k, k + 1]]);
      return plane.reshape([1, 1, ...this.#extents]);
    };
    using real = part(0);
    using imaginary = part(1);
    this.#factor = new ComplexFactor(real, imaginary);
  }

  /** Itself: nothing can change it. */
  override clone(): this {
    return this;
  }

  override async A(x: Tensor): Promise<Tensor> {
    const [, height, width] = this.#extents;
    requireComplex("apply Ptychography", x, [height, width]);
    using image = x.reshape([x.shape[0], 2, 1, height, width]);
    using lit = this.#factor.times(image);
    return await Promise.resolve(fft(lit, DIMS, { norm: "ortho" }));
  }

  override async A_adjoint(z: Tensor): Promise<Tensor> {
    requireComplex("apply the adjoint of Ptychography", z, this.#extents);
    using fields = ifft(z, DIMS, { norm: "ortho" });
    using lit = this.#factor.conjugateTimes(fields);
    return await Promise.resolve(lit.sum(2));
  }
}
