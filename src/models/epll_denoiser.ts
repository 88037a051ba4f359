import { perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { EPLL_SCHEDULE, noiseLevels, patchEstimate, requireBetas } from "./patches/epll_estimate.ts";
import { type PatchMixture, patchMixture, type PatchMixtureOptions } from "./patches/epll_weights.ts";

/**
 * Denoises by the expected log-likelihood of patches under a mixture of Gaussians (Zoran and Weiss, 2011): five steps of
 * half-quadratic splitting, each the most likely estimate of all overlapping patches x~ at noise 1 / beta and then
 * (y + beta sigma^2 x~) / (1 + beta sigma^2), with beta sigma^2 = 1, 4, 8, 16, 32. The means of the components count, where
 * deepinv takes them as 0; items of a batch are denoised each, where deepinv returns them as they are.
 *
 * @example
 * ```ts
 * import { EPLLDenoiser, GaussianMixtureModel, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 * import assert from "node:assert/strict";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * // Patches of this mixture are nearly constant: their pixels share a variance of 1, and differ by 0.01.
 * const gmm = new GaussianMixtureModel({ nComponents: 1, dimension: 16 });
 * const cov = Array.from({ length: 256 }, (_, i) => 1 + (i % 17 === 0 ? 0.01 : 0));
 * const parameters = { _weights: Tensor.ones([1]), mu: Tensor.zeros([1, 16]), _cov: Tensor.from(cov, [1, 16, 16]) };
 * await gmm.loadStateDict(new Map(Object.entries(parameters)));
 *
 * const denoiser = await EPLLDenoiser.create({ gmm, patchSize: 4 });
 * const noisy = Tensor.randn([1, 1, 24, 24], { seed: 1 }).mul(0.2).add(0.5);
 * const clean = await denoiser.forward(noisy, 0.2);
 * const error = await clean.sub(0.5).norm().item() / await noisy.sub(0.5).norm().item();
 * assert.ok(error < 0.5);
 * ```
 */
export class EPLLDenoiser extends Denoiser {
  readonly #mixture: PatchMixture;

  private constructor(mixture: PatchMixture) {
    super();
    this.#mixture = mixture;
  }

  /**
   * Loads or takes a mixture.
   *
   * @throws {InvalidArgumentError} for options out of range, and a mixture of another dimension
   * @throws {FileError} when its file cannot be read
   */
  static async create(options: PatchMixtureOptions = {}): Promise<EPLLDenoiser> {
    return new EPLLDenoiser(await patchMixture("EPLLDenoiser", options));
  }

  /**
   * The denoised images, of x's shape; x itself where sigma is 0.
   *
   * @param x (B, C, H, W), H and W at least the patches' side
   * @param sigma the noise's standard deviation, >= 0: a number or one value per item (B,)
   * @param options.betas the levels 1 / variance that patches are estimated at; by default 1, 4, 8, 16, 32 / sigma^2
   * @param options.batchSize patches that are looked at together, -1 for all; no effect on the result
   * @throws {InvalidArgumentError} for other shapes and values
   */
  override async forward(
    x: Tensor,
    sigma: number | Tensor,
    { betas, batchSize }: { betas?: readonly number[]; batchSize?: number } = {},
  ): Promise<Tensor> {
    const { gmm, patchSize, channels } = this.#mixture;
    if (x.shape.length !== 4 || x.shape[1] !== channels) {
      const requirement = `of shape (B, ${channels}, H, W)`;
      throw new InvalidArgumentError("denoise with EPLLDenoiser", "x", requirement, formatShape(x.shape));
    }
    requireBetas("denoise with EPLLDenoiser", betas);
    const variances = (await noiseLevels("denoise with EPLLDenoiser", x, sigma)).map((level) => level ** 2);
    let estimate = x.clone();
    try {
      for (const step of betas ?? EPLL_SCHEDULE) {
        using previous = estimate;
        const scales = variances.map((variance) => betas ? step * variance : step);
        const levels = variances.map((variance) =>
          betas ? step : step / Math.max(variance, Number.MIN_VALUE)
        );
        using patches = await patchEstimate(gmm, previous, patchSize, levels, batchSize);
        using share = Tensor.from(
          scales.map((scale, b) => variances[b] > 0 ? scale / (1 + scale) : 0),
          undefined,
          x,
        );
        using shares = perItem(share, x);
        using change = patches.sub(x);
        using moved = change.mul(shares);
        estimate = x.add(moved);
      }
      return estimate;
    } catch (error) {
      estimate.dispose();
      throw error;
    }
  }
}
