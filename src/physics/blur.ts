import { PADDING_MODES } from "../tensor/ops/pad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import type { BlurPadding, BlurPath } from "./blur_border.ts";
import { fastestWay } from "./blur_cost.ts";
import { FourierBlur } from "./fourier_blur.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { PhysicsOptions } from "./physics.ts";
import { separate } from "./separable.ts";
import { SpatialBlur } from "./spatial_blur.ts";
import type { Setters } from "./updatable.ts";

export type { BlurPadding } from "./blur_border.ts";

const PADDINGS: readonly BlurPadding[] = ["valid", ...PADDING_MODES];

/** Options of {@link Blur}. */
export interface BlurOptions extends PhysicsOptions {
  /**
   * The point spread function (1|B, 1|C, h, w), or (1|B, 1|C, d, h, w) for volumes. The blur keeps using it: dispose it
   * after the blur's last use.
   */
  filter: Tensor;
  /** Default `"valid"`, as in deepinv. */
  padding?: BlurPadding;
  /** Whether it is computed by Fourier transforms; by default where that is faster. The numbers are the same to 1e-5. */
  useFft?: boolean;
}

/**
 * Blurs each channel of images or volumes: the true convolution y[n] = sum_m h[m] x~[n - m + c], where c = floor(size / 2)
 * is the filter's centre and x~ is x continued by the padding mode; sizes stay the same. With `"valid"`,
 * y[n] = sum_m h[m] x[n + size - 1 - m], of size H - h + 1.
 *
 * The adjoint is exact: full correlation, then the adjoint of the padding. Computed in one pass over the filter, in one
 * pass per axis for filters of rank one, or by Fourier transforms, whichever takes the device least time.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, deadLeaves, gaussianBlur, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = deadLeaves({ size: 32, seed: 1 }); // (1, 3, 32, 32)
 * const filter = gaussianBlur({ sigma: [2, 1], angle: 30, psfSize: 9 });
 * const blur = new Blur({ filter, padding: "circular" });
 * const y = await blur.A(x);
 * assert.deepEqual(y.shape, x.shape);
 * assert.ok(Math.abs(await y.sub(x).mean().item()) < 1e-5); // the filter sums to 1
 * assert.ok(Math.abs(await blur.adjointnessTest(x)) < 1e-2); // <A x, v> - <x, A^T v>
 *
 * const valid = new Blur({ filter }); // only where the filter fits inside the image
 * assert.deepEqual((await valid.A(x)).shape, [1, 3, 24, 24]);
 * ```
 */
export class Blur extends LinearPhysics<Tensor> {
  #filter: Tensor;
  /** How the image continues past its border. */
  readonly padding: BlurPadding;
  /** Whether Fourier transforms are used; `undefined`: where they are faster. */
  readonly useFft: boolean | undefined;
  #spatial: Promise<SpatialBlur> | undefined;
  #fourier: FourierBlur | undefined;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when the filter is not (1|B, 1|C, h, w) or (1|B, 1|C, d, h, w), or the padding is
   * unknown
   */
  constructor(options: BlurOptions) {
    super(options);
    const { filter, padding = "valid", useFft } = options;
    requireFilter(filter);
    if (!PADDINGS.includes(padding)) {
      throw new InvalidArgumentError(
        "build Blur",
        "padding",
        `one of ${PADDINGS.map((p) => `"${p}"`).join(", ")}`,
        `"${padding}"`,
      );
    }
    if (useFft !== undefined && typeof useFft !== "boolean") {
      throw new InvalidArgumentError("build Blur", "useFft", "true, false or undefined", String(useFft));
    }
    this.#filter = filter;
    this.padding = padding;
    this.useFft = useFft;
  }

  /** The point spread function (1|B, 1|C, h, w) or (1|B, 1|C, d, h, w). */
  get filter(): Tensor {
    return this.#filter;
  }

  /** `filter`. */
  protected override setters(): Setters {
    return {
      filter: (value) => {
        requireFilter(value);
        this.#filter = value;
        this.#spatial = undefined;
        this.#fourier = undefined;
      },
    };
  }

  /**
   * The blurred images.
   *
   * @param x (B, C, H, W), or (B, C, D, H, W) for a filter of volumes; the filter's batch and channels must be 1 or match
   * @returns of x's shape; with `"valid"` (B, C, H - h + 1, W - w + 1)
   * @throws {InvalidArgumentError} when the shapes do not fit, or the filter has values that are NaN or infinite
   */
  override async A(x: Tensor): Promise<Tensor> {
    this.#check("A", x);
    const path = await this.#path(x.shape, x);
    return await path.blur(x);
  }

  /**
   * The adjoint, exactly.
   *
   * @param y of the shape of what `A` gives
   * @returns of the shape of what `A` takes
   * @throws {InvalidArgumentError} as `A`
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    this.#check("A_adjoint", y);
    const grown = this.padding === "valid" ? 1 : 0;
    const shape = y.shape.map((extent, d) => d < 2 ? extent : extent + grown * (this.filter.shape[d] - 1));
    const path = await this.#path(shape, y);
    return await path.adjoint(y);
  }

  /** The way to blur images of a shape on `image`'s device. */
  async #path(shape: readonly number[], { device }: Tensor): Promise<BlurPath> {
    this.#spatial ??= planSpatial(this.filter, this.padding);
    const spatial = await this.#spatial;
    const separable = spatial.passes.length > 1;
    const task = { shape, filter: this.filter.shape, separable, padding: this.padding };
    const useFft = this.useFft ?? fastestWay(task, device) === "fourier";
    if (!useFft) return spatial;
    return this.#fourier ??= new FourierBlur(this.filter, this.padding);
  }

  #check(method: string, image: Tensor): void {
    const [fb, fc, ...taps] = this.filter.shape;
    const [batch, channels, ...spatial] = image.shape;
    const fits = spatial.length === taps.length && (fb === 1 || fb === batch) &&
      (fc === 1 || fc === channels) &&
      (this.padding !== "valid" || method === "A_adjoint" || spatial.every((extent, d) => extent >= taps[d]));
    if (!fits) {
      const layout = taps.length === 2 ? "(B, C, H, W)" : "(B, C, D, H, W)";
      throw new InvalidArgumentError(
        `apply Blur.${method}`,
        "the image",
        `${layout} matching the filter ${
          formatShape(this.filter.shape)
        } (whose B and C are 1 or the image's` +
          `${this.padding === "valid" ? ", and which fits inside it" : ""})`,
        formatShape(image.shape),
      );
    }
  }
}

function requireFilter(filter: unknown): asserts filter is Tensor {
  if (filter instanceof Tensor && [4, 5].includes(filter.shape.length) && filter.numel > 0) return;
  throw new InvalidArgumentError(
    "build Blur",
    "filter",
    "a tensor of shape (1|B, 1|C, h, w) or (1|B, 1|C, d, h, w), none of them 0 " +
      "(a kernel (h, w) as filter.reshape([1, 1, h, w]))",
    filter instanceof Tensor ? `shape ${formatShape(filter.shape)}` : String(filter),
  );
}

/** One pass, or for filters of rank one a pass per axis. */
async function planSpatial(filter: Tensor, padding: BlurPadding): Promise<SpatialBlur> {
  const values = await filter.data();
  if (!values.every(Number.isFinite)) {
    throw new InvalidArgumentError("apply Blur", "filter", "finite", "values that are NaN or infinite");
  }
  const [batch, channels, ...taps] = filter.shape;
  const factors = separate(values, batch * channels, taps);
  const passes = factors?.map((factor, d) =>
    Tensor.from(factor, [batch, channels, ...taps.map((size, axis) => axis === d ? size : 1)], filter)
  );
  return new SpatialBlur(passes ?? [filter], taps, padding);
}
