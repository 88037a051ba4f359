import { PADDING_MODES, type PaddingMode, paddingTables } from "../tensor/ops/pad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { PhysicsOptions } from "./physics.ts";
import { separate } from "./separable.ts";

/** How a blur continues the image past its border; `"valid"` keeps only outputs that need no continuation. */
export type BlurPadding = "valid" | PaddingMode;

const PADDINGS: readonly BlurPadding[] = ["valid", ...PADDING_MODES];

/** Options of {@link Blur}. */
export interface BlurOptions extends PhysicsOptions {
  /** The point spread function (1|B, 1|C, h, w). The blur keeps using it: dispose it after the blur's last use. */
  filter: Tensor;
  /** Default `"valid"`, as in deepinv. */
  padding?: BlurPadding;
}

/** A filter as one pass, or as a column pass and a row pass. */
type Passes = readonly Tensor[];

/**
 * Blurs each channel: the true convolution y[n] = sum_m h[m] x~[n - m + c], where c = floor(size / 2) is the filter's
 * centre and x~ is x continued by the padding mode; sizes stay the same. With `"valid"`,
 * y[n] = sum_m h[m] x[n + size - 1 - m], of size H - h + 1.
 *
 * The adjoint is exact: full correlation, then the adjoint of the padding. Rank-one filters run as two passes.
 */
export class Blur extends LinearPhysics<Tensor> {
  /** The point spread function (1|B, 1|C, h, w). */
  readonly filter: Tensor;
  /** How the image continues past its border. */
  readonly padding: BlurPadding;
  #passes: Promise<Passes> | undefined;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when the filter is not (1|B, 1|C, h, w) or the padding is unknown
   */
  constructor(options: BlurOptions) {
    super(options);
    const { filter, padding = "valid" } = options;
    if (!(filter instanceof Tensor) || filter.shape.length !== 4 || filter.numel === 0) {
      const got = filter instanceof Tensor ? `shape ${formatShape(filter.shape)}` : String(filter);
      throw new InvalidArgumentError(
        "build Blur",
        "filter",
        "a tensor of shape (1|B, 1|C, h, w), none of them 0 (a kernel (h, w) as filter.reshape([1, 1, h, w]))",
        got,
      );
    }
    if (!PADDINGS.includes(padding)) {
      throw new InvalidArgumentError(
        "build Blur",
        "padding",
        `one of ${PADDINGS.map((p) => `"${p}"`).join(", ")}`,
        `"${padding}"`,
      );
    }
    this.filter = filter;
    this.padding = padding;
  }

  /**
   * The blurred images.
   *
   * @param x (B, C, H, W); the filter's batch and channels must be 1 or match
   * @returns of x's shape; with `"valid"` (B, C, H - h + 1, W - w + 1)
   * @throws {InvalidArgumentError} when the shapes do not fit, or the filter has values that are NaN or infinite
   */
  override async A(x: Tensor): Promise<Tensor> {
    this.#check("A", x);
    if (this.padding === "valid") return await this.#correlate(x, true);
    using padded = x.applyTables(this.#tables(x.shape).pad);
    return await this.#correlate(padded, true);
  }

  /**
   * The adjoint, exactly.
   *
   * @param y (B, C, H, W); with `"valid"` (B, C, H - h + 1, W - w + 1)
   * @returns (B, C, H, W)
   * @throws {InvalidArgumentError} as `A`
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    this.#check("A_adjoint", y);
    const [h, w] = this.filter.shape.slice(2);
    using around = y.pad([[h - 1, h - 1], [w - 1, w - 1]]);
    const extended = await this.#correlate(around, false);
    if (this.padding === "valid") return extended;
    using _ = extended;
    return extended.applyTables(this.#tables(y.shape).fold);
  }

  /** Without padding; `flip` makes it a convolution. */
  async #correlate(x: Tensor, flip: boolean): Promise<Tensor> {
    this.#passes ??= planPasses(this.filter);
    const [first, second] = await this.#passes;
    const once = x.correlate(first, { flip });
    if (!second) return once;
    using _ = once;
    return once.correlate(second, { flip });
  }

  /** Padding by size - 1 - c before and c after each axis, and its adjoint, for images of a shape. */
  #tables(shape: readonly number[]): ReturnType<typeof paddingTables> {
    const axes = [2, 3].map((dim) => {
      const size = this.filter.shape[dim], centre = Math.floor(size / 2);
      return { dim, before: size - 1 - centre, after: centre };
    });
    return paddingTables(shape, axes, this.padding as PaddingMode);
  }

  #check(method: string, image: Tensor): void {
    const [fb, fc, h, w] = this.filter.shape;
    const [batch, channels, height, width] = image.shape;
    const fits = image.shape.length === 4 && (fb === 1 || fb === batch) && (fc === 1 || fc === channels) &&
      (this.padding !== "valid" || method === "A_adjoint" || (height >= h && width >= w));
    if (!fits) {
      throw new InvalidArgumentError(
        `apply Blur.${method}`,
        "the image",
        `(B, C, H, W) matching the filter ${
          formatShape(this.filter.shape)
        } (whose B and C are 1 or the image's` +
          `${this.padding === "valid" ? ", and which fits inside it" : ""})`,
        formatShape(image.shape),
      );
    }
  }
}

async function planPasses(filter: Tensor): Promise<Passes> {
  const values = await filter.data();
  if (!values.every(Number.isFinite)) {
    throw new InvalidArgumentError("apply Blur", "filter", "finite", "values that are NaN or infinite");
  }
  const [batch, channels, height, width] = filter.shape;
  const factors = separate(values, batch * channels, height, width);
  if (!factors) return [filter];
  return [
    Tensor.from(factors.columns, [batch, channels, height, 1], filter),
    Tensor.from(factors.rows, [batch, channels, 1, width], filter),
  ];
}
