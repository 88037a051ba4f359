import type { NonLinearity } from "../models/wavelet_shrinkage.ts";
import type { WaveletMode } from "../models/wavelet_transform.ts";
import { WaveletDenoiser } from "../models/wavelet_denoiser.ts";
import { WaveletDictDenoiser } from "../models/wavelet_dict_denoiser.ts";
import { otherDims } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Prior } from "./prior.ts";

/** Options of {@link WaveletPrior}. */
export interface WaveletPriorOptions {
  /** Levels of the transform, >= 1; default 3. */
  level?: number;
  /** `"db1"` to `"db8"`, the default, or several of them. */
  wv?: string | readonly string[];
  /** The norm: 0 (how many are not 0), 1, the default, or Infinity (the largest). */
  p?: 0 | 1 | typeof Infinity;
  /** How images go on beyond their border; default `"zero"`. */
  mode?: WaveletMode;
  /** 2 for images (B, C, H, W), the default, or 3 for volumes (B, C, D, H, W). */
  wvdim?: 2 | 3;
  /** What the prox multiplies gamma by to have its threshold, > 0; default 0.1 as in deepinv, 1 for fn's own prox. */
  ths?: number;
  /** The least value of what the prox gives; default none. */
  clampMin?: number;
  /** The largest value of what the prox gives; default none. */
  clampMax?: number;
}

const NON_LINEARITIES: ReadonlyMap<number, NonLinearity> = new Map([
  [0, "hard"],
  [1, "soft"],
  [Infinity, "topk"],
]);

/**
 * Images with few or small wavelet details: g(x) = sum over bands of ||band||_p, with the approximation left out. Its prox
 * thresholds them; for several wavelets together by {@link WaveletDictDenoiser}'s iteration.
 *
 * @example Deblurring with few wavelet coefficients
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, FISTA, gaussianBlur, L2 } from "@deepinv/distributed";
 * import { openDevice, setDefaultDevice, sheppLogan, WaveletPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const image = sheppLogan(32);
 * const y = await blur.A(image);
 * const prior = new WaveletPrior({ wv: "db2", level: 2, clampMin: 0, ths: 1 }); // ths 1: the prox is that of fn
 * const algorithm = new FISTA({ dataFidelity: new L2(), prior, lambda: 1e-3, maxIter: 20 });
 * const { x, metrics: { psnr: [psnr] } } = await algorithm.run(y, blur, { xGt: image });
 * assert(psnr[20] > psnr[0] + 3); // dB
 * assert(await x.min().item() >= 0);
 * ```
 */
export class WaveletPrior extends Prior {
  /** `true` */
  override readonly explicitPrior = true;
  readonly #denoiser: WaveletDenoiser | WaveletDictDenoiser;
  readonly #p: number;
  readonly #ths: number;
  readonly #clampMin: number;
  readonly #clampMax: number;

  /**
   * Sets the transform and the norm.
   *
   * @throws {InvalidArgumentError} for options that are not among those listed
   */
  constructor(options: WaveletPriorOptions = {}) {
    super();
    const { wv = "db8", p = 1, ths = 0.1, clampMin = -Infinity, clampMax = Infinity, ...shared } = options;
    const nonLinearity = NON_LINEARITIES.get(p);
    if (!nonLinearity) {
      throw new InvalidArgumentError("build WaveletPrior", "p", "0, 1 or Infinity", String(p));
    }
    if (!(ths > 0 && ths < Infinity)) {
      throw new InvalidArgumentError("build WaveletPrior", "ths", "finite and > 0", String(ths));
    }
    if (!(clampMin <= clampMax)) {
      const requirement = `at most clampMax (${clampMax})`;
      throw new InvalidArgumentError("build WaveletPrior", "clampMin", requirement, String(clampMin));
    }
    this.#denoiser = typeof wv === "string"
      ? new WaveletDenoiser({ ...shared, wv, nonLinearity })
      : new WaveletDictDenoiser({ ...shared, listWv: wv, nonLinearity });
    this.#p = p;
    this.#ths = ths;
    this.#clampMin = clampMin;
    this.#clampMax = clampMax;
  }

  /** sum over bands of ||band||_p, shape (B,) */
  override async fn(x: Tensor): Promise<Tensor> {
    const bands = this.#denoiser.details(x);
    try {
      const norms = bands.map((band) => this.#norm(band));
      using all = Tensor.stack(norms);
      norms.forEach((norm) => norm.dispose());
      return await Promise.resolve(all.sum(0));
    } finally {
      bands.forEach((band) => band.dispose());
    }
  }

  /** The details thresholded at ths gamma, then the image clamped. */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    const denoised = await this.#denoiser.forward(x, this.#ths * gamma);
    if (this.#clampMin === -Infinity && this.#clampMax === Infinity) return denoised;
    using _denoised = denoised;
    return denoised.clamp(this.#clampMin, this.#clampMax);
  }

  #norm(band: Tensor): Tensor {
    using magnitudes = band.abs();
    const dims = otherDims(band);
    if (this.#p === 1) return magnitudes.sum(dims);
    if (this.#p === Infinity) return magnitudes.max(dims);
    using nonzero = magnitudes.greater(0);
    return nonzero.sum(dims);
  }
}
