import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { requireCounts } from "./require_counts.ts";
import { WAVELETS } from "./wavelet_filters.ts";
import {
  keepLargest,
  keptCount,
  NON_LINEARITIES,
  type NonLinearity,
  shrink,
  thresholdOf,
} from "./wavelet_shrinkage.ts";
import {
  analyse,
  bandRanges,
  details,
  synthesise,
  WAVELET_MODES,
  type WaveletBasis,
  type WaveletMode,
} from "./wavelet_transform.ts";

/** Options of {@link WaveletDenoiser}. */
export interface WaveletDenoiserOptions {
  /** Levels of the transform, >= 1; default 3. */
  level?: number;
  /** `"db1"` (Haar) to `"db8"`, the default. */
  wv?: string;
  /** What happens to the details; default `"soft"`. */
  nonLinearity?: NonLinearity;
  /** How images go on beyond their border; default `"zero"`. */
  mode?: WaveletMode;
  /** 2 for images (B, C, H, W), the default, or 3 for volumes (B, C, D, H, W). */
  wvdim?: 2 | 3;
}

/** A threshold that was checked. */
type Threshold = Readonly<Awaited<ReturnType<typeof thresholdOf>>> & { readonly isShare: boolean };

/**
 * Thresholds the details of an image's discrete wavelet transform and leaves its approximation (Donoho and Johnstone,
 * 1994). With `soft` it is the proximal operator of threshold ||details||_1 where the transform is orthonormal. Sides of
 * odd length are continued by one sample and cropped.
 *
 * @example A noisy image
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, psnr, setDefaultDevice, sheppLogan, Tensor, WaveletDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = sheppLogan(32);
 * const noisy = image.add(Tensor.randn(image.shape, { seed: 1 }).mul(0.1));
 * const denoiser = new WaveletDenoiser({ wv: "db1", level: 2, nonLinearity: "soft" });
 * using clean = await denoiser.forward(noisy, 0.1); // the threshold of the details
 * const [before, after] = [await psnr(noisy, image).item(), await psnr(clean, image).item()];
 * assert(after > before + 1); // dB
 * ```
 */
export class WaveletDenoiser extends Denoiser {
  readonly #level: number;
  readonly #kind: NonLinearity;
  readonly #basis: WaveletBasis;

  /**
   * Sets the transform.
   *
   * @throws {InvalidArgumentError} for options that are not among those listed
   */
  constructor(options: WaveletDenoiserOptions = {}) {
    super();
    const { level = 3, wv = "db8", nonLinearity = "soft", mode = "zero", wvdim = 2 } = options;
    requireCounts("WaveletDenoiser", { level });
    requireOneOf("wv", wv, WAVELETS);
    requireOneOf("nonLinearity", nonLinearity, NON_LINEARITIES);
    requireOneOf("mode", mode, WAVELET_MODES);
    requireOneOf("wvdim", wvdim, [2, 3]);
    this.#level = level;
    this.#kind = nonLinearity;
    this.#basis = { wavelet: wv, mode, dims: wvdim === 2 ? [2, 3] : [2, 3, 4] };
  }

  /**
   * The denoised images, of x's shape.
   *
   * @param x (B, C, H, W), or (B, C, D, H, W) with `wvdim` 3
   * @param ths threshold, >= 0, default 0.1: a number, or one value per item (B,). With `topk` a number up to 1 is the
   * share of coefficients of each band that stay, and one above, or a tensor's values, their number
   * @throws {InvalidArgumentError} for other shapes, and for a threshold that is negative or not finite
   */
  override async forward(x: Tensor, ths: number | Tensor = 0.1): Promise<Tensor> {
    const { dims } = this.#basis;
    if (x.shape.length !== dims.length + 2 || x.numel === 0) {
      const requirement = `of shape (B, C, ${dims.length === 2 ? "H, W" : "D, H, W"}), none of them 0`;
      throw new InvalidArgumentError("denoise with WaveletDenoiser", "x", requirement, formatShape(x.shape));
    }
    const { tensor, values } = await thresholdOf("WaveletDenoiser", x, ths);
    using _threshold = tensor;
    using even = x.pad(dims.map((d) => [0, x.shape[d] % 2] as const), "replicate");
    const isShare = !(ths instanceof Tensor) && ths <= 1;
    using clean = await this.#denoise(even, this.#level, { tensor, values, isShare });
    return clean.slice(x.shape.map((extent) => [0, extent]));
  }

  /** The details of all levels of images that are not continued, the finest first; disposed by the caller. */
  details(x: Tensor): Tensor[] {
    return details(x, this.#level, this.#basis);
  }

  /** One level, and those below it on its approximation. */
  async #denoise(x: Tensor, level: number, threshold: Threshold): Promise<Tensor> {
    using bands = analyse(x, this.#basis);
    const [approximation] = bandRanges(bands, this.#basis.dims);
    using coarse = bands.slice(approximation);
    using kept = await this.#threshold(bands, threshold);
    using below = level > 1 ? await this.#denoise(coarse, level - 1, threshold) : coarse.clone();
    kept.writeSlice(below, kept.shape.map(() => 0));
    return synthesise(kept, x.shape, this.#basis);
  }

  async #threshold(bands: Tensor, { tensor, values, isShare }: Threshold): Promise<Tensor> {
    if (this.#kind !== "topk") return shrink(bands, tensor, this.#kind);
    const kept = Tensor.zeros(bands.shape, bands);
    for (const ranges of bandRanges(bands, this.#basis.dims).slice(1)) {
      using band = bands.slice(ranges);
      const size = band.numel / values.length;
      using largest = await keepLargest(band, values.map((value) => keptCount(value, size, isShare)));
      kept.writeSlice(largest, ranges.map((range) => Array.isArray(range) ? range[0] ?? 0 : 0));
    }
    return kept;
  }
}

function requireOneOf(name: string, value: unknown, known: readonly unknown[]): void {
  if (known.includes(value)) return;
  const requirement = `one of ${known.join(", ")}`;
  throw new InvalidArgumentError("build WaveletDenoiser", name, requirement, String(value));
}
