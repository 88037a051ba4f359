import { Tensor, type TensorOptions } from "../../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import type { Philox } from "../../util/philox.ts";
import { itemByItem, PhysicsGenerator } from "./physics_generator.ts";
import { PsfGenerator } from "./psf_generator.ts";
import { symmetricEigen } from "./symmetric_eigen.ts";
import { type Place, thinPlateSpline } from "./thin_plate_spline.ts";

/** Options of {@link ProductConvolutionBlurGenerator}. */
export interface ProductConvolutionBlurOptions {
  /** Draws the blurs at the places of a grid. */
  psfGenerator: PsfGenerator;
  /** (H, W) of the images, or (C, H, W). */
  imgSize: readonly number[];
  /** Number K of kernels, at most the places of the grid; default 10. */
  nEigenPsf?: number;
  /** Pixels from one place of the grid to the next, at most half the image; default an eighth of it, at least 1. */
  spacing?: readonly [rows: number, columns: number];
}

/**
 * Random blurs that change over the image, for `SpaceVaryingBlur` (Debarnot et al., 2020): kernels drawn on a grid of
 * floor(H / spacing) x floor(W / spacing) places are projected on their first K principal components, without centring;
 * the components are the filters, and the coefficients, continued over the image by thin-plate splines, the multipliers.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   deadLeaves,
 *   GaussianBlurGenerator,
 *   openDevice,
 *   ProductConvolutionBlurGenerator,
 *   setDefaultDevice,
 *   SpaceVaryingBlur,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const psfGenerator = new GaussianBlurGenerator({ psfSize: 7, sigmaMax: 2 });
 * const options = { psfGenerator, imgSize: [3, 32, 32], nEigenPsf: 4, spacing: [8, 8] } as const;
 * const { filters, multipliers } = new ProductConvolutionBlurGenerator(options).step({ seed: 1 });
 * assert.deepEqual([filters.shape, multipliers.shape], [[1, 1, 4, 7, 7], [1, 1, 4, 32, 32]]);
 *
 * const blur = new SpaceVaryingBlur({ filters, multipliers, padding: "reflect" });
 * const x = deadLeaves({ size: 32, seed: 1 });
 * assert.deepEqual((await blur.A(x)).shape, [1, 3, 32, 32]);
 * assert.ok(Math.abs(await blur.adjointnessTest(x)) < 1e-2);
 * ```
 */
export class ProductConvolutionBlurGenerator
  extends PhysicsGenerator<{ filters: Tensor; multipliers: Tensor }> {
  readonly #psfs: PsfGenerator;
  readonly #extents: readonly [number, number];
  readonly #count: number;
  readonly #places: readonly Place[];

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for options out of range
   */
  constructor(options: ProductConvolutionBlurOptions) {
    super();
    const { psfGenerator, imgSize, nEigenPsf = 10 } = options;
    const action = "build ProductConvolutionBlurGenerator";
    if (!(psfGenerator instanceof PsfGenerator)) {
      throw new InvalidArgumentError(action, "psfGenerator", "a PsfGenerator", String(psfGenerator));
    }
    const [height, width] = imgSize.slice(-2);
    const sized = imgSize.length >= 2 && imgSize.length <= 3 &&
      imgSize.every(Number.isInteger) && height >= 2 && width >= 2;
    if (!sized) {
      throw new InvalidArgumentError(
        action,
        "imgSize",
        "(H, W) or (C, H, W), H and W >= 2",
        formatShape(imgSize),
      );
    }
    const { spacing = [height, width].map((extent) => Math.max(1, Math.floor(extent / 8))) } = options;
    const grid = [height, width].map((extent, d) => Math.floor(extent / spacing[d]));
    if (
      spacing.length !== 2 || !spacing.every(Number.isInteger) || !grid.every((n) => n >= 2 && n < Infinity)
    ) {
      const most = `${Math.floor(height / 2)} and ${Math.floor(width / 2)}`;
      throw new InvalidArgumentError(
        action,
        "spacing",
        `whole numbers from 1 to ${most}`,
        formatShape(spacing),
      );
    }
    const places = grid[0] * grid[1];
    if (!Number.isInteger(nEigenPsf) || nEigenPsf < 1 || nEigenPsf > places) {
      throw new InvalidArgumentError(
        action,
        "nEigenPsf",
        `a whole number in [1, ${places}], the places of the grid`,
        String(nEigenPsf),
      );
    }
    this.#psfs = psfGenerator;
    this.#extents = [height, width];
    this.#count = nEigenPsf;
    this.#places = unitGrid(grid[0], grid[1]);
  }

  /** `filters`: (B, 1, K, h, w); `multipliers`: (B, 1, K, H, W). */
  protected override draw(
    batchSize: number,
    random: Philox,
    options: TensorOptions,
  ): { filters: Tensor; multipliers: Tensor } {
    const multipliers: Float64Array[] = [];
    const filters = itemByItem(batchSize, () => {
      const kernels = this.#places.map(() => this.#psfs.kernel(random));
      const { components, coefficients } = principalComponents(kernels, this.#count);
      const targets = unitGrid(this.#extents[0], this.#extents[1]);
      multipliers.push(joined(thinPlateSpline(this.#places, coefficients, targets)));
      return joined(components);
    });
    const shape = (extents: readonly number[]) => [batchSize, 1, this.#count, ...extents];
    return {
      filters: Tensor.from(filters, shape(this.#psfs.psfExtents), options),
      multipliers: Tensor.from(
        itemByItem(batchSize, (item) => multipliers[item]),
        shape(this.#extents),
        options,
      ),
    };
  }
}

/** Places spread evenly over [0, 1]^2, row by row. */
function unitGrid(rows: number, columns: number): Place[] {
  return Array.from(
    { length: rows * columns },
    (_, k) => [Math.floor(k / columns) / (rows - 1), k % columns / (columns - 1)] as const,
  );
}

/**
 * The first `count` right singular vectors of a matrix, and the coefficients of its rows: `coefficients[k][i]` of row i.
 * From the eigenvectors u of the rows' inner products with values s^2: component rows^T u / s, coefficients s u.
 */
function principalComponents(
  rows: readonly Float64Array[],
  count: number,
): { components: Float64Array[]; coefficients: Float64Array[] } {
  const n = rows.length;
  const products = Float64Array.from({ length: n * n }, (_, k) => {
    const other = rows[k % n];
    return rows[Math.floor(k / n)].reduce((sum, value, i) => sum + value * other[i], 0);
  });
  const { values, vectors } = symmetricEigen(products, n);
  const sizes = values.slice(0, count).map((value) => Math.sqrt(Math.max(value, 0)));
  const components = sizes.map((size, k) => {
    const component = new Float64Array(rows[0].length);
    if (size <= 1e-7 * sizes[0]) return component;
    rows.forEach((row, i) => row.forEach((value, j) => component[j] += vectors[k][i] * value / size));
    return component;
  });
  return { components, coefficients: sizes.map((size, k) => vectors[k].map((value) => size * value)) };
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const values = new Float64Array(parts.length * parts[0].length);
  parts.forEach((part, k) => values.set(part, k * part.length));
  return values;
}
