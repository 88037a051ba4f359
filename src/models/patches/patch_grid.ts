import { InvalidArgumentError } from "../../util/errors.ts";

/** What the patches of an image are. */
export interface PatchGridOptions {
  /** Planes, rows and columns of the image. */
  readonly imgSize: readonly [channels: number, height: number, width: number];
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Whether patches go on beyond the border at the opposite one, so that every pixel is in equally many. */
  readonly wraps?: boolean;
}

/**
 * All overlapping square patches of an image in host memory: patch r nW + c covers all channels, the rows from r and the
 * columns from c on. A patch is a row of C p^2 values in the order (channel, row, column).
 */
export class PatchGrid {
  /** How many patches there are. */
  readonly count: number;
  /** Values in a patch. */
  readonly dimension: number;
  readonly #imgSize: readonly [number, number, number];
  readonly #size: number;
  readonly #columns: number;
  readonly #origin: number;

  /**
   * Lays out the patches.
   *
   * @throws {InvalidArgumentError} when the image is smaller than a patch
   */
  constructor({ imgSize, patchSize, wraps = false }: PatchGridOptions) {
    const [channels, height, width] = imgSize;
    if (height < patchSize || width < patchSize || channels < 1) {
      throw new InvalidArgumentError(
        "take patches",
        "the image",
        `at least ${patchSize} x ${patchSize} pixels`,
        `${height} x ${width} with ${channels} channels`,
      );
    }
    const extra = wraps ? patchSize - 1 : 1 - patchSize;
    this.#columns = width + extra;
    this.count = (height + extra) * this.#columns;
    this.dimension = channels * patchSize ** 2;
    this.#imgSize = imgSize;
    this.#size = patchSize;
    this.#origin = wraps ? 1 - patchSize : 0;
  }

  /** Copies the patches at `positions` of the image that starts at `begin` into rows, one after the other. */
  read(image: Float32Array, begin: number, positions: ArrayLike<number>): Float32Array {
    const rows = new Float32Array(positions.length * this.dimension);
    this.#visit(positions, (pixel, value) => rows[value] = image[begin + pixel]);
    return rows;
  }

  /** Adds rows to the image that starts at `begin`, each where {@link read} took it from: the adjoint of it. */
  add(
    rows: Float32Array,
    image: Float32Array | Float64Array,
    begin: number,
    positions: ArrayLike<number>,
  ): void {
    this.#visit(positions, (pixel, value) => image[begin + pixel] += rows[value]);
  }

  /** Positions `first`, `first + 1`, ... before `first + most`, as far as there are patches. */
  positions(first: number, most: number): Int32Array {
    return Int32Array.from({ length: Math.min(most, this.count - first) }, (_, k) => first + k);
  }

  #visit(positions: ArrayLike<number>, visit: (pixel: number, value: number) => void): void {
    const [channels, height, width] = this.#imgSize;
    const size = this.#size;
    let value = 0;
    for (let k = 0; k < positions.length; k++) {
      const top = Math.floor(positions[k] / this.#columns) + this.#origin + height;
      const left = positions[k] % this.#columns + this.#origin + width;
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < size; i++) {
          const row = (c * height + (top + i) % height) * width;
          for (let j = 0; j < size; j++) visit(row + (left + j) % width, value++);
        }
      }
    }
  }
}
