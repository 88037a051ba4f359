import { InvalidArgumentError } from "../../util/errors.ts";
import type { Philox } from "../../util/philox.ts";
import { PsfGenerator } from "./psf_generator.ts";
import { psfExtents, type PsfSize, requireNumber, unitSum } from "./psf_size.ts";
import { nollIndex, zernike } from "./zernike.ts";

/** Options of {@link DiffractionBlurGenerator}. */
export interface DiffractionBlurGeneratorOptions {
  /** Side, or height and width, of the kernels; default 31. */
  psfSize?: PsfSize;
  /** Cutoff frequency NA / wavelength x pixel size, in (0, 0.25]; default 0.2. */
  fc?: number;
  /** Aberrations in Noll's order; default 4 ... 11: defocus to spherical. */
  zernikeIndex?: readonly number[];
  /** Coefficients are uniform in [-1/2, 1/2] times this, in waves; default 0.15. */
  maxZernikeAmplitude?: number;
  /** Samples of the pupil plane along both axes, at least the kernel's; default 256. */
  pupilSize?: PsfSize;
}

/** A sample of the pupil plane that light passes. */
interface PupilSample {
  readonly row: number;
  readonly column: number;
  /** Transmission, 1 but at the border. */
  readonly light: number;
  /** The polynomials' values. */
  readonly phases: Float64Array;
}

/**
 * Random diffraction-limited blurs: |F(pupil exp(-2 pi i sum_k c_k Z_k))|^2, the pupil a disc of radius `fc` in the
 * frequency plane [-1/2, 1/2]^2 and Z_k the orthonormal Zernike polynomials (Lakshminarayanan and Fleck, 2011); centred,
 * cropped to the kernel's size and divided by its sum.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   deadLeaves,
 *   DiffractionBlurGenerator,
 *   openDevice,
 *   setDefaultDevice,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new DiffractionBlurGenerator({ psfSize: 9, fc: 0.2, pupilSize: 32 });
 * const { filter } = generator.step({ batchSize: 2, seed: 1 }); // two microscopes
 * assert.deepEqual(filter.shape, [2, 1, 9, 9]);
 * assert.ok(await filter.sum([1, 2, 3]).sub(1).abs().max().item() < 1e-6);
 * const blur = new Blur({ filter, padding: "reflect" });
 * const x = deadLeaves({ size: 32 }).expand([2, 3, 32, 32]);
 * assert.deepEqual((await blur.A(x)).shape, [2, 3, 32, 32]); // item i through kernel i
 *
 * const aligned = new DiffractionBlurGenerator({ psfSize: 9, pupilSize: 32, maxZernikeAmplitude: 0 });
 * const airy = await aligned.step().filter.data();
 * assert.equal(airy.indexOf(Math.max(...airy)), 40); // without aberrations the peak is in the centre
 * ```
 */
export class DiffractionBlurGenerator extends PsfGenerator {
  readonly #plane: readonly [number, number];
  readonly #amplitude: number;
  readonly #samples: readonly PupilSample[];
  readonly #polynomials: number;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for options out of range
   */
  constructor(options: DiffractionBlurGeneratorOptions = {}) {
    const action = "build DiffractionBlurGenerator";
    super(action, options.psfSize);
    const { fc = 0.2, zernikeIndex = [4, 5, 6, 7, 8, 9, 10, 11], maxZernikeAmplitude = 0.15 } = options;
    const pupil = psfExtents(action, options.pupilSize ?? 256);
    this.#plane = [Math.max(2, pupil[0], this.psfExtents[0]), Math.max(2, pupil[1], this.psfExtents[1])];
    if (!(fc > 0 && fc <= 0.25)) throw new InvalidArgumentError(action, "fc", "in (0, 0.25]", String(fc));
    if (!zernikeIndex.every((j) => Number.isInteger(j) && j >= 1)) {
      throw new InvalidArgumentError(
        action,
        "zernikeIndex",
        "a list of whole numbers >= 1",
        String(zernikeIndex),
      );
    }
    requireNumber(action, "maxZernikeAmplitude", maxZernikeAmplitude, 0);
    this.#amplitude = maxZernikeAmplitude;
    this.#polynomials = zernikeIndex.length;
    this.#samples = pupilSamples(this.#plane, fc, zernikeIndex);
  }

  /** One kernel, which sums to 1. */
  override kernel(random: Philox): Float64Array {
    const draw = () => (random.uniform() - 0.5) * this.#amplitude;
    return unitSum(this.#intensity(Float64Array.from({ length: this.#polynomials }, draw)));
  }

  /** The squared moduli of the pupil's Fourier transform at the kernel's frequencies, columns and then rows. */
  #intensity(coefficients: Float64Array): Float64Array {
    const [height, width] = this.psfExtents;
    const rowWaves = waves(this.#plane[0], height), columnWaves = waves(this.#plane[1], width);
    const lines = new Map<number, Float64Array>();
    for (const { row, column, light, phases } of this.#samples) {
      let line = lines.get(row);
      if (!line) lines.set(row, line = new Float64Array(2 * width));
      const angle = -2 * Math.PI * coefficients.reduce((sum, c, k) => sum + c * phases[k], 0);
      const re = light * Math.cos(angle), im = light * Math.sin(angle);
      for (let v = 0; v < width; v++) addProduct(line, v, re, im, columnWaves, column * width + v);
    }
    const field = new Float64Array(2 * height * width);
    for (const [row, line] of lines) {
      for (let u = 0; u < height; u++) {
        for (let v = 0; v < width; v++) {
          addProduct(field, u * width + v, line[2 * v], line[2 * v + 1], rowWaves, row * height + u);
        }
      }
    }
    return Float64Array.from({ length: height * width }, (_, k) => field[2 * k] ** 2 + field[2 * k + 1] ** 2);
  }
}

/** sums[at] += (re + i im) waves[wave], all pairs. */
function addProduct(
  sums: Float64Array,
  at: number,
  re: number,
  im: number,
  factors: Float64Array,
  wave: number,
): void {
  const cos = factors[2 * wave], sin = factors[2 * wave + 1];
  sums[2 * at] += re * cos - im * sin;
  sums[2 * at + 1] += re * sin + im * cos;
}

/** exp(-2 pi i n f / N) at n * count + k for the `count` middle frequencies f, floor(count / 2) of them below 0. */
function waves(samples: number, count: number): Float64Array {
  const values = new Float64Array(2 * samples * count);
  for (let n = 0; n < samples; n++) {
    for (let k = 0; k < count; k++) {
      const angle = -2 * Math.PI * (n * (k - Math.floor(count / 2)) % samples) / samples;
      values.set([Math.cos(angle), Math.sin(angle)], 2 * (n * count + k));
    }
  }
  return values;
}

/** The pupil's samples; its border falls off smoothly over half a sample. */
function pupilSamples(
  [rows, columns]: readonly [number, number],
  fc: number,
  zernikeIndex: readonly number[],
): PupilSample[] {
  const indices = zernikeIndex.map(nollIndex);
  const spacing = 1 / (rows - 1) / fc;
  const samples: PupilSample[] = [];
  for (let row = 0; row < rows; row++) {
    const x = (row / (rows - 1) - 0.5) / fc;
    for (let column = 0; column < columns; column++) {
      const y = (column / (columns - 1) - 0.5) / fc;
      const r = Math.hypot(x, y);
      const light = bump((r - 1 + spacing / 2) / (spacing / 2));
      if (light === 0) continue;
      const t = Math.atan2(y, x);
      samples.push({
        row,
        column,
        light,
        phases: Float64Array.from(indices, (index) => zernike(index, r, t)),
      });
    }
  }
  return samples;
}

/** 1 up to 0, 0 from 1, smooth between. */
function bump(x: number): number {
  if (x <= 0) return 1;
  return x >= 1 ? 0 : Math.exp(1 - 1 / (1 - x * x));
}
