import type { Denoiser } from "../models/denoiser.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DataFidelity } from "./data_fidelity.ts";
import { HQS } from "./hqs.ts";
import { L2 } from "./l2.ts";
import { PnP } from "./pnp.ts";

/** Options of {@link dpir}. */
export interface DPIROptions {
  /** Standard deviation of the measurements' noise, > 0, in the image's units. */
  sigma: number;
  /** The denoiser, local or distributed; DPIR's own is DRUNet. */
  denoiser: Pick<Denoiser, "forward">;
  /** Default {@link L2}. */
  dataFidelity?: DataFidelity;
  /** Number of iterations, >= 1; default 8. */
  maxIter?: number;
}

/** The noise level of the first iteration. */
const FIRST_LEVEL = 49 / 255;
/** The paper's weight of the prior. */
const WEIGHT = 0.23;
/** The least noise that stepsizes are made for. */
const LEAST_SIGMA = 0.01;

/**
 * Deep plug-and-play image restoration (Zhang et al., 2021): {@link HQS} with a denoiser whose level falls from 49/255 to
 * sigma, evenly on a logarithmic scale, with stepsizes (level / max(0.01, sigma))^2 / 0.23.
 *
 * @throws {InvalidArgumentError} when sigma is not positive, maxIter is not a whole number >= 1, or there is no denoiser
 *
 * @example Deblurring in 8 iterations
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, deadLeaves, dpir, DRUNet } from "@deepinv/distributed";
 * import { GaussianNoise, gaussianBlur, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noiseModel = new GaussianNoise({ sigma: 0.02, seed: 1 });
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular", noiseModel });
 * const image = deadLeaves({ size: 32, seed: 1 });
 * const y = await blur.forward(image);
 * using denoiser = await DRUNet.create({ weights: "small-color" });
 * const { metrics: { psnr: [psnr] } } = await dpir({ sigma: 0.02, denoiser }).run(y, blur, { xGt: image });
 * assert(psnr[8] > psnr[0] + 2); // dB
 * ```
 */
export function dpir({ sigma, denoiser, dataFidelity = new L2(), maxIter = 8 }: DPIROptions): HQS {
  if (!(sigma > 0 && sigma < Infinity)) {
    throw new InvalidArgumentError("build DPIR", "sigma", "finite and > 0", String(sigma));
  }
  if (!Number.isInteger(maxIter) || maxIter < 1) {
    throw new InvalidArgumentError("build DPIR", "maxIter", "a whole number >= 1", String(maxIter));
  }
  const last = Math.max(1, maxIter - 1);
  const sigmaDenoiser = Array.from(
    { length: maxIter },
    (_, k) => FIRST_LEVEL * (sigma / FIRST_LEVEL) ** (k / last),
  );
  const stepsize = sigmaDenoiser.map((level) => (level / Math.max(LEAST_SIGMA, sigma)) ** 2 / WEIGHT);
  return new HQS({ dataFidelity, prior: new PnP({ denoiser }), sigmaDenoiser, stepsize, maxIter });
}
