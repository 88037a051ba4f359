import type { Tensor } from "../tensor/tensor.ts";
import type { TensorList } from "../tensor/tensor_list.ts";
import type { BlurPadding } from "./blur.ts";
import { Decolorize, type DecolorizeOptions } from "./decolorize.ts";
import { Downsampling, type DownsamplingOptions } from "./downsampling.ts";
import { GaussianNoise } from "./noise.ts";
import type { NoiseModel } from "./noise_model.ts";
import type { LeastSquaresOptions } from "./physics.ts";
import { StackedLinearPhysics } from "./stacked.ts";

/** Options of {@link Pansharpen}. */
export interface PansharpenOptions {
  /** (C, H, W) of the images. */
  imgSize: readonly number[];
  /** The colour image's anti-aliasing filter, as for `Downsampling`; default `"bilinear"`. */
  filter?: DownsamplingOptions["filter"];
  /** Every how many samples the colour image keeps one; default 4. */
  factor?: number;
  /** The gray image's weight of each channel, as for `Decolorize`; default `"flat"`. */
  srf?: DecolorizeOptions["srf"];
  /** Of the colour image; default `GaussianNoise({ sigma: 0 })`, `null` for none. */
  noiseColor?: NoiseModel | null;
  /** Of the gray image; default `GaussianNoise({ sigma: 0.05 })`, `null` for none. */
  noiseGray?: NoiseModel | null;
  /** Whether `A_dagger` is Brovey's method instead of the least-squares solution; default true. */
  useBrovey?: boolean;
  /** How images continue past their border for the filter; default `"circular"`. */
  padding?: Exclude<BlurPadding, "valid">;
  /** Keeps Brovey's quotient finite; default 1e-6. */
  eps?: number;
}

/**
 * A colour image at low resolution and a gray one at full resolution: y = [Downsampling x, Decolorize x].
 *
 * `A_dagger` is Brovey's method (Vivone et al., "A critical comparison among pansharpening algorithms", 2015):
 * u = f^2 D^T y_0 (without the factor where there is no filter), x = u y_1 / (mean_c u + eps); without `useBrovey` the
 * least-squares solution by LSQR.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { colourScene, openDevice, Pansharpen, psnr, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Pansharpen({ imgSize: [3, 16, 16] });
 * const x = colourScene({ size: 16 });
 * const y = await physics.forward(x, { seed: 1 });
 * assert.deepEqual([...y].map((part) => part.shape), [[1, 3, 4, 4], [1, 1, 16, 16]]);
 * const sharpened = await physics.A_dagger(y); // Brovey's method
 * assert.deepEqual(sharpened.shape, x.shape);
 * assert.ok(await psnr(sharpened, x).item() > 12);
 * ```
 */
export class Pansharpen extends StackedLinearPhysics {
  readonly #downsampling: Downsampling;
  readonly #decolorize: Decolorize;
  readonly #options: PansharpenOptions;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} as `Downsampling` and `Decolorize`
   */
  constructor(options: PansharpenOptions) {
    const { imgSize, filter = "bilinear", factor = 4, srf = "flat", padding = "circular" } = options;
    const {
      noiseColor = new GaussianNoise({ sigma: 0 }),
      noiseGray = new GaussianNoise({ sigma: 0.05 }),
    } = options;
    const downsampling = new Downsampling({
      imgSize,
      filter,
      factor,
      padding,
      noiseModel: noiseColor ?? undefined,
    });
    const decolorize = new Decolorize({ srf, channels: imgSize[0], noiseModel: noiseGray ?? undefined });
    super([downsampling, decolorize]);
    this.#downsampling = downsampling;
    this.#decolorize = decolorize;
    this.#options = options;
    this.setLsSolver("lsqr");
  }

  /** The colour image's operator. */
  get downsampling(): Downsampling {
    return this.#downsampling;
  }

  /** The gray image's operator. */
  get decolorize(): Decolorize {
    return this.#decolorize;
  }

  /**
   * Brovey's fusion of both images, or the least-squares solution.
   *
   * @param options of the least-squares solution
   */
  override async A_dagger(y: TensorList, options: LeastSquaresOptions = {}): Promise<Tensor> {
    const { useBrovey = true, eps = 1e-6 } = this.#options;
    if (!useBrovey) return await super.A_dagger(y, options);
    const { factor, filter } = this.#downsampling;
    using spread = await this.#downsampling.A_adjoint(y.get(0));
    using colour = spread.mul(filter ? factor ** 2 : 1);
    using mean = colour.mean(1, { keepDims: true });
    using guarded = mean.add(eps);
    using gray = y.get(1).div(guarded);
    return colour.mul(gray);
  }

  /** A copy of its own. */
  override clone(): this {
    const filter = this.#downsampling.filter?.clone() ?? null;
    const noiseColor = this.#downsampling.noiseModel?.clone() ?? null;
    const noiseGray = this.#decolorize.noiseModel?.clone() ?? null;
    const options = { ...this.#options, srf: this.#decolorize.srf, filter, noiseColor, noiseGray };
    return this.withSettings(new Pansharpen(options) as this);
  }
}
