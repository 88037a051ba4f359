import { InvalidArgumentError } from "../../util/errors.ts";
import type { Philox } from "../../util/philox.ts";
import { gaussianValues } from "../gaussian_blur.ts";
import { PsfGenerator } from "./psf_generator.ts";
import { type PsfSize, requireNumber } from "./psf_size.ts";

/** Options of {@link GaussianBlurGenerator}. */
export interface GaussianBlurGeneratorOptions {
  /** Side, or height and width, of the kernels; default 31. */
  psfSize?: PsfSize;
  /** Least standard deviation in pixels; default 0.5. */
  sigmaMin?: number;
  /** Largest standard deviation in pixels; default 5. */
  sigmaMax?: number;
  /** Least rotation in degrees; default 0. */
  angleMin?: number;
  /** Largest rotation in degrees; default 360. */
  angleMax?: number;
  /** Whether both axes have the same standard deviation; default true. */
  isotropic?: boolean;
}

/**
 * Random Gaussian blurs: standard deviations uniform in [sigmaMin, sigmaMax] and an angle uniform in
 * [angleMin, angleMax]; see `gaussianBlur`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { GaussianBlurGenerator, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new GaussianBlurGenerator({ psfSize: 15, sigmaMin: 1, sigmaMax: 2, isotropic: false });
 * const { filter } = generator.step({ batchSize: 3, seed: 1 }); // for a Blur of three images
 * assert.deepEqual(filter.shape, [3, 1, 15, 15]);
 * assert.ok(await filter.sum([1, 2, 3]).sub(1).abs().max().item() < 1e-6);
 * const peaks = await filter.max([1, 2, 3]).data(); // about 1 / (2 pi sigma_0 sigma_1)
 * assert.ok(peaks.every((peak) => peak > 1 / (2 * Math.PI * 4) && peak < 1 / (2 * Math.PI)));
 * ```
 */
export class GaussianBlurGenerator extends PsfGenerator {
  readonly #options: Required<Omit<GaussianBlurGeneratorOptions, "psfSize">>;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for sizes that are not whole numbers >= 1, and bounds out of order or out of range
   */
  constructor(options: GaussianBlurGeneratorOptions = {}) {
    const action = "build GaussianBlurGenerator";
    super(action, options.psfSize);
    const { sigmaMin = 0.5, sigmaMax = 5, angleMin = 0, angleMax = 360, isotropic = true } = options;
    requireNumber(action, "sigmaMin", sigmaMin, 0, true);
    requireNumber(action, "sigmaMax", sigmaMax, sigmaMin);
    if (!Number.isFinite(angleMin)) {
      throw new InvalidArgumentError(action, "angleMin", "finite", String(angleMin));
    }
    requireNumber(action, "angleMax", angleMax, angleMin);
    this.#options = { sigmaMin, sigmaMax, angleMin, angleMax, isotropic };
  }

  /** One kernel, which sums to 1. */
  override kernel(random: Philox): Float64Array {
    const { sigmaMin, sigmaMax, angleMin, angleMax, isotropic } = this.#options;
    const uniform = (low: number, high: number) => low + (high - low) * random.uniform();
    const first = uniform(sigmaMin, sigmaMax);
    const second = isotropic ? first : uniform(sigmaMin, sigmaMax);
    return gaussianValues(this.psfExtents, [first, second], uniform(angleMin, angleMax));
  }
}
