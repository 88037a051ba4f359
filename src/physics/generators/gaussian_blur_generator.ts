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
