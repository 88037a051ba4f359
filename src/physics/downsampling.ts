import type { AxisTable } from "../compute/kernel.ts";
import { gatherTable, transposeTable } from "../tensor/ops/axis.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Blur, type BlurPadding } from "./blur.ts";
import { downsamplingFilter, FILTER_NAMES, type FilterName } from "./downsampling_filters.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { PhysicsOptions } from "./physics.ts";

/** Options of {@link Downsampling}. */
export interface DownsamplingOptions extends PhysicsOptions {
  /** (C, H, W) of the images. */
  imgSize: readonly number[];
  /** A filter (1|B, 1|C, h, w), the name of one, or `null` (default) for none. */
  filter?: Tensor | FilterName | null;
  /** Every how many samples one is kept, >= 1; default 2. */
  factor?: number;
  /** How the image continues past its border for the filter; default `"circular"`. */
  padding?: Exclude<BlurPadding, "valid">;
}

/** Filters an image and keeps every f-th sample from the first: y = (h * x)[::f, ::f]. */
export class Downsampling extends LinearPhysics<Tensor> {
  /** Every how many samples one is kept. */
  readonly factor: number;
  /** (C, H, W) of the images. */
  readonly imgSize: readonly number[];
  readonly #blur: Blur | undefined;
  readonly #keep: { dim: number; table: AxisTable }[];
  readonly #insert: { dim: number; table: AxisTable }[];

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} for an unknown filter or a factor that is not a whole number >= 1
   */
  constructor(options: DownsamplingOptions) {
    super(options);
    const { imgSize, filter = null, factor = 2, padding = "circular" } = options;
    const action = "build Downsampling";
    if (!Number.isInteger(factor) || factor < 1) {
      throw new InvalidArgumentError(action, "factor", "a whole number >= 1", String(factor));
    }
    if (imgSize.length !== 3) {
      throw new InvalidArgumentError(action, "imgSize", "(C, H, W)", formatShape(imgSize));
    }
    if (typeof filter === "string" && !FILTER_NAMES.includes(filter)) {
      throw new InvalidArgumentError(
        action,
        "filter",
        `a tensor, null or one of ${FILTER_NAMES.join(", ")}`,
        `"${filter}"`,
      );
    }
    this.factor = factor;
    this.imgSize = imgSize;
    const kernel = typeof filter === "string" ? downsamplingFilter(filter, factor) : filter;
    this.#blur = kernel ? new Blur({ filter: kernel, padding }) : undefined;
    this.#keep = [2, 3].map((dim) => ({ dim, table: keepEvery(factor, imgSize[dim - 1]) }));
    this.#insert = this.#keep.map(({ dim, table }) => ({ dim, table: transposeTable(table) }));
  }

  /**
   * The filtered and sampled images.
   *
   * @param x (B, C, H, W) of `imgSize`
   * @returns (B, C, ceil(H / f), ceil(W / f))
   */
  override async A(x: Tensor): Promise<Tensor> {
    this.#check("A", x, this.imgSize);
    if (!this.#blur) return x.applyTables(this.#keep);
    using blurred = await this.#blur.A(x);
    return blurred.applyTables(this.#keep);
  }

  /**
   * Zeros inserted between samples, then the filter's adjoint.
   *
   * @param y (B, C, ceil(H / f), ceil(W / f))
   * @returns (B, C, H, W) of `imgSize`
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    const [channels, height, width] = this.imgSize;
    this.#check("A_adjoint", y, [channels, Math.ceil(height / this.factor), Math.ceil(width / this.factor)]);
    const spread = y.applyTables(this.#insert);
    if (!this.#blur) return spread;
    using own = spread;
    return await this.#blur.A_adjoint(own);
  }

  #check(method: string, image: Tensor, size: readonly number[]): void {
    if (formatShape(image.shape.slice(1)) !== formatShape(size)) {
      throw new InvalidArgumentError(
        `apply Downsampling.${method}`,
        "its argument",
        `of shape (B, ${size.join(", ")})`,
        formatShape(image.shape),
      );
    }
  }
}

function keepEvery(factor: number, length: number): AxisTable {
  return gatherTable(length, Array.from({ length: Math.ceil(length / factor) }, (_, k) => k * factor));
}
