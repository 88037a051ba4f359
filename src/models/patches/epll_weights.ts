import { requireCounts } from "../require_counts.ts";
import { epllWeights } from "../pretrained.ts";
import { loadWeights, type WeightsSource } from "../weights_source.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import { GaussianMixtureModel } from "./gaussian_mixture.ts";

/** The mixture of patches that EPLL uses. */
export interface PatchMixtureOptions {
  /** A mixture on patches of `channels` x `patchSize` x `patchSize` values; by default one made from `weights`. */
  gmm?: GaussianMixtureModel;
  /**
   * Where the mixture comes from: `"download"` (the default) for deepinv's on the patches of BSDS500, for `patchSize` 6 and
   * 1 or 3 channels; `"GMM_lodopab_small"`, for `patchSize` 3 and 1 channel; or a file or state dict.
   */
  weights?: Exclude<WeightsSource, null>;
  /** Components of the mixture that is loaded; default 200. */
  nComponents?: number;
  /** Side of a patch in pixels, >= 1; default 6. */
  patchSize?: number;
  /** Channels of the images, >= 1; default 1. */
  channels?: number;
}

/** A mixture with the patches it is for. */
export interface PatchMixture {
  /** Of dimension channels x patchSize x patchSize */
  readonly gmm: GaussianMixtureModel;
  /** Side of a patch in pixels */
  readonly patchSize: number;
  /** Channels of the images */
  readonly channels: number;
}

/**
 * The mixture that the options ask for.
 *
 * @throws {InvalidArgumentError} for one of another dimension, and as {@link GaussianMixtureModel.loadStateDict}
 * @throws {FileError} when its file cannot be read
 */
export async function patchMixture(owner: string, options: PatchMixtureOptions): Promise<PatchMixture> {
  const { patchSize = 6, channels = 1, nComponents = 200 } = options;
  requireCounts(owner, { patchSize, channels, nComponents });
  const dimension = channels * patchSize ** 2;
  let { gmm } = options;
  if (!gmm) {
    gmm = new GaussianMixtureModel({ nComponents, dimension });
    const weights = options.weights ?? "download";
    await gmm.loadStateDict((await loadWeights(owner, weights, epllWeights(patchSize, channels)))!);
  } else if (gmm.dimension !== dimension) {
    const what = `of dimension ${dimension}, for patches of ${channels} x ${patchSize} x ${patchSize}`;
    throw new InvalidArgumentError(`build ${owner}`, "gmm", what, `${gmm.dimension}`);
  }
  return { gmm, patchSize, channels };
}
