import { sumOver } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Blur, type BlurPadding } from "./blur.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link SpaceVaryingBlur}. Its tensors stay in use: dispose them after the blur's last use. */
export interface SpaceVaryingBlurOptions extends PhysicsOptions {
  /** K point spread functions, (1|B, 1|C, K, h, w), or (1|B, 1|C, K, d, h, w) for volumes. */
  filters: Tensor;
  /** How strongly each of them acts at each place of the image: (1|B, 1|C, K, H, W), or (1|B, 1|C, K, D, H, W). */
  multipliers: Tensor;
  /** Default `"valid"`, as in deepinv. */
  padding?: BlurPadding;
  /** Whether blurs are computed by Fourier transforms; by default where that is faster. */
  useFft?: boolean;
}

/** What the checks look at. */
type Parts = Pick<SpaceVaryingBlurOptions, "filters" | "multipliers">;

/**
 * A blur that changes over the image, as a sum of K blurs of weighted images (product-convolution expansion):
 * y = sum_k h_k * (w_k x), with the convolutions and paddings of `Blur`. The adjoint is exact:
 * A^T y = sum_k w_k (h_k *^T y).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   gaussianBlur,
 *   openDevice,
 *   setDefaultDevice,
 *   SpaceVaryingBlur,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const psfSize: [number, number] = [9, 9];
 * const filters = Tensor.stack([1, 2].map((sigma) => gaussianBlur({ sigma, psfSize })), 2); // (1, 1, 2, 9, 9)
 * const left = Tensor.arange(0, 1, 1 / 32).reshape([1, 1, 1, 32]).expand([1, 1, 32, 32]);
 * const multipliers = Tensor.stack([left, left.neg().add(1)], 2); // (1, 1, 2, 32, 32), of sum 1
 * const blur = new SpaceVaryingBlur({ filters, multipliers, padding: "reflect" });
 * const x = Tensor.ones([1, 1, 32, 32]);
 * const sum = await (await blur.A(x)).slice([null, null, [16, 17], [16, 17]]).item();
 * assert.ok(Math.abs(sum - 1) < 0.05); // filters and weights of sum 1 keep a constant image, nearly
 * assert.ok(Math.abs(await blur.adjointnessTest(x)) < 1e-3);
 * ```
 */
export class SpaceVaryingBlur extends LinearPhysics<Tensor> {
  #parts: Parts;
  #blurs: readonly Blur[];
  /** How the weighted images continue past their border. */
  readonly padding: BlurPadding;
  /** Whether Fourier transforms are used; `undefined`: where they are faster. */
  readonly useFft: boolean | undefined;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when filters and multipliers are not of the shapes above, or their K differ
   */
  constructor(options: SpaceVaryingBlurOptions) {
    super(options);
    const { filters, multipliers, padding = "valid", useFft } = options;
    this.padding = padding;
    this.useFft = useFft;
    this.#parts = this.#checked({ filters, multipliers });
    this.#blurs = this.#makeBlurs();
  }

  /** The point spread functions (1|B, 1|C, K, h, w). */
  get filters(): Tensor {
    return this.#parts.filters;
  }

  /** Their weights over the image (1|B, 1|C, K, H, W). */
  get multipliers(): Tensor {
    return this.#parts.multipliers;
  }

  /** `filters` and `multipliers`. */
  protected override setters(): Setters {
    return {
      filters: (filters) => {
        this.#parts = this.#checked({ ...this.#parts, filters: filters as Tensor });
        this.#blurs = this.#makeBlurs();
      },
      multipliers: (multipliers) => {
        this.#parts = this.#checked({ ...this.#parts, multipliers: multipliers as Tensor });
      },
    };
  }

  /**
   * The blurred images.
   *
   * @param x (B, C, H, W) of the multipliers' size
   * @returns of x's shape; with `"valid"` (B, C, H - h + 1, W - w + 1)
   * @throws {InvalidArgumentError} when the shapes do not fit
   */
  override async A(x: Tensor): Promise<Tensor> {
    this.#checkImage("A", x.shape, x.shape);
    return await sumOver(this.#blurs, async (blur, k) => {
      using weight = this.#weight(k);
      using weighted = x.mul(weight);
      return await blur.A(weighted);
    });
  }

  /**
   * The adjoint, exactly.
   *
   * @param y of the shape of what `A` gives
   * @returns (B, C, H, W)
   * @throws {InvalidArgumentError} when the shapes do not fit
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    const taps = this.filters.shape.slice(3);
    const grown = this.padding === "valid" ? 1 : 0;
    const image = y.shape.map((extent, d) => d < 2 ? extent : extent + grown * ((taps[d - 2] ?? 1) - 1));
    this.#checkImage("A_adjoint", image, y.shape);
    return await sumOver(this.#blurs, async (blur, k) => {
      using weight = this.#weight(k);
      using back = await blur.A_adjoint(y);
      return back.mul(weight);
    });
  }

  #weight(k: number): Tensor {
    return entryOf(this.multipliers, k);
  }

  #makeBlurs(): Blur[] {
    const { filters, padding, useFft } = this;
    return Array.from(
      { length: filters.shape[2] },
      (_, k) => new Blur({ filter: entryOf(filters, k), padding, useFft }),
    );
  }

  #checked(parts: Parts): Parts {
    const { filters, multipliers } = parts;
    const action = "build SpaceVaryingBlur";
    const isStack = (value: unknown): value is Tensor =>
      value instanceof Tensor && [5, 6].includes(value.shape.length) && value.numel > 0;
    const text = (value: unknown) =>
      value instanceof Tensor ? `shape ${formatShape(value.shape)}` : String(value);
    if (!isStack(filters)) {
      const shape = "a tensor of shape (1|B, 1|C, K, h, w) or (1|B, 1|C, K, d, h, w)";
      throw new InvalidArgumentError(action, "filters", shape, text(filters));
    }
    const count = filters.shape[2];
    if (
      !isStack(multipliers) || multipliers.shape[2] !== count ||
      multipliers.shape.length !== filters.shape.length
    ) {
      const sizes = filters.shape.length === 5 ? "H, W" : "D, H, W";
      throw new InvalidArgumentError(
        action,
        "multipliers",
        `a tensor of shape (1|B, 1|C, ${count}, ${sizes})`,
        text(multipliers),
      );
    }
    return parts;
  }

  #checkImage(method: string, image: readonly number[], got: readonly number[]): void {
    const [b, c, , ...sizes] = this.multipliers.shape;
    const [batch, channels, ...spatial] = image;
    const fits = (b === 1 || b === batch) && (c === 1 || c === channels) &&
      formatShape(spatial) === formatShape(sizes);
    if (fits) return;
    const taps = this.filters.shape.slice(3);
    const shrunk = method === "A_adjoint" && this.padding === "valid";
    const wanted = sizes.map((size, d) => shrunk ? size - taps[d] + 1 : size);
    throw new InvalidArgumentError(
      `apply SpaceVaryingBlur.${method}`,
      "the image",
      `of shape (${b === 1 ? "B" : b}, ${c === 1 ? "C" : c}, ${wanted.join(", ")})`,
      formatShape(got),
    );
  }
}

/** Entry k of dimension 2, without that dimension. */
function entryOf(stack: Tensor, k: number): Tensor {
  using cut = stack.slice([null, null, [k, k + 1]]);
  return cut.reshape([...stack.shape.slice(0, 2), ...stack.shape.slice(3)]);
}
