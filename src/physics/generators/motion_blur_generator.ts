import type { Philox } from "../../util/philox.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import { PsfGenerator } from "./psf_generator.ts";
import { type PsfSize, requireNumber } from "./psf_size.ts";

/** Options of {@link MotionBlurGenerator}. */
export interface MotionBlurGeneratorOptions {
  /** Side, or height and width, of the kernels; default 31. */
  psfSize?: PsfSize;
  /** Length scale of the path, > 0; default 0.3. */
  l?: number;
  /** Standard deviation of the path, in half widths of the kernel, > 0; default 0.25. */
  sigma?: number;
  /** Points of the whole period, of which floor(nSteps / (2 pi)) make the path; at least 7; default 1000. */
  nSteps?: number;
}

/**
 * Random camera shakes (Schuler et al., "Learning to deblur", 2015): both coordinates of the path are drawn from a
 * periodic Gaussian process with the Matern-5/2 covariance
 *
 *     sigma^2 (1 + r + r^2 / 3) exp(-r),  r = sqrt(5) |t - s| / l,  t from -pi to pi,
 *
 * and centred; the kernel is the path's histogram on [-1, 1]^2, divided by its sum + 1e-6.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, deadLeaves, MotionBlurGenerator, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new MotionBlurGenerator({ psfSize: 15 });
 * const { filter } = generator.step({ batchSize: 2, seed: 1 }); // (2, 1, 15, 15), one shake per image
 * assert.ok(await filter.sum([1, 2, 3]).sub(1).abs().max().item() < 1e-5);
 * const blur = new Blur({ filter, padding: "circular" });
 * const x = deadLeaves({ size: 32 }).expand([2, 3, 32, 32]);
 * assert.deepEqual((await blur.A(x)).shape, [2, 3, 32, 32]);
 * blur.update(generator.step({ batchSize: 2, seed: 2 })); // other shakes
 * ```
 */
export class MotionBlurGenerator extends PsfGenerator {
  readonly #steps: number;
  /** Square roots of the covariance's eigenvalues. */
  readonly #gains: Float64Array;
  readonly #waves: Waves;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for options out of range
   */
  constructor(options: MotionBlurGeneratorOptions = {}) {
    const action = "build MotionBlurGenerator";
    super(action, options.psfSize);
    const { l = 0.3, sigma = 0.25, nSteps = 1000 } = options;
    requireNumber(action, "l", l, 0, true);
    requireNumber(action, "sigma", sigma, 0, true);
    if (!Number.isInteger(nSteps) || nSteps < 7) {
      throw new InvalidArgumentError(action, "nSteps", "a whole number >= 7", String(nSteps));
    }
    this.#steps = nSteps;
    this.#waves = wavesOf(nSteps);
    this.#gains = maternGains(this.#waves, l, sigma);
  }

  /** One kernel; it sums to 1 unless the path leaves it altogether. */
  override kernel(random: Philox): Float64Array {
    const [rows, columns] = [this.#path(random), this.#path(random)];
    return histogram(rows, columns, this.psfExtents);
  }

  /** One centred coordinate: white noise shaped by the gains, synthesised at the first points of the period. */
  #path(random: Philox): Float64Array {
    const count = Math.floor(this.#steps / (2 * Math.PI));
    const noise = Float64Array.from({ length: this.#steps }, () => random.normal());
    const path = new Float64Array(count);
    const { cos, sin } = this.#waves;
    this.#gains.forEach((gain, k) => {
      if (gain < NEGLIGIBLE * this.#gains[0]) return;
      let [re, im] = [0, 0];
      for (let n = 0; n < noise.length; n++) {
        const turn = k * n % noise.length;
        re += noise[n] * cos[turn];
        im -= noise[n] * sin[turn];
      }
      const weight = gain * (k === 0 || 2 * k === this.#steps ? 1 : 2) / this.#steps;
      for (let n = 0; n < count; n++) {
        const turn = k * n % noise.length;
        path[n] += weight * (re * cos[turn] - im * sin[turn]);
      }
    });
    const mean = path.reduce((sum, value) => sum + value, 0) / count;
    return path.map((value) => value - mean);
  }
}

/** cos and sin of 2 pi k / n for k < n. */
interface Waves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

function wavesOf(length: number): Waves {
  const [cos, sin] = [Math.cos, Math.sin].map((wave) =>
    Float64Array.from({ length }, (_, k) => wave(2 * Math.PI * k / length))
  );
  return { cos, sin };
}

/** Gains below this share of the largest do not count. */
const NEGLIGIBLE = 1e-4;

/**
 * Square roots of the moduli of the covariance's Fourier coefficients 0 ... floor(n / 2), sampled at n points from -pi
 * to pi.
 */
function maternGains({ cos, sin }: Waves, l: number, sigma: number): Float64Array {
  const n = cos.length;
  const covariance = Float64Array.from({ length: n }, (_, k) => {
    const r = Math.sqrt(5) * Math.abs(-Math.PI + 2 * Math.PI * k / (n - 1)) / l;
    return sigma ** 2 * (1 + r + r * r / 3) * Math.exp(-r);
  });
  return Float64Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) => {
    let [re, im] = [0, 0];
    for (let m = 0; m < n; m++) {
      re += covariance[m] * cos[k * m % n];
      im += covariance[m] * sin[k * m % n];
    }
    return Math.sqrt(Math.hypot(re, im));
  });
}

/** How often a path visits each cell of [-1, 1]^2, divided by the visits + 1e-6. */
function histogram(
  rows: Float64Array,
  columns: Float64Array,
  [height, width]: readonly [number, number],
): Float64Array {
  const counts = new Float64Array(height * width);
  rows.forEach((y, k) => {
    const x = columns[k];
    if (Math.abs(y) > 1 || Math.abs(x) > 1) return;
    const row = Math.min(height - 1, Math.floor(height * (y + 1) / 2));
    const column = Math.min(width - 1, Math.floor(width * (x + 1) / 2));
    counts[row * width + column]++;
  });
  const visits = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / (visits + 1e-6));
}
