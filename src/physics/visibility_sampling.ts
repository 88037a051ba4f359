import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { requireImageSize } from "./image_size.ts";
import { Nufft } from "./nufft.ts";

/** Where visibilities are sampled, and how accurately the transform is computed. */
export interface VisibilitySampling {
  /** (H, W) of the images. */
  imgSize: readonly number[];
  /** Spatial frequencies (2, K): row frequencies, then column frequencies, radians per pixel in [-pi, pi]. Copied. */
  samplesLoc: Tensor;
  /** Grid points per pixel of the transform's grid, >= 1; default 2. */
  kOversampling?: number;
  /** Grid points per visibility and axis, a whole number >= 2; default 7. */
  interpPoints?: number;
}

/**
 * Refuses sizes, shapes and numbers outside their ranges; those of the locations are looked at by `openTransform`.
 *
 * @throws {InvalidArgumentError} naming the option
 */
export function checkSampling(
  action: string,
  { imgSize, samplesLoc, kOversampling, interpPoints }: VisibilitySampling,
): void {
  requireImageSize(action, imgSize, ["(H, W)"]);
  if (
    !(samplesLoc instanceof Tensor) || samplesLoc.shape.length !== 2 || samplesLoc.shape[0] !== 2 ||
    samplesLoc.numel === 0
  ) {
    const got = samplesLoc instanceof Tensor ? `shape ${formatShape(samplesLoc.shape)}` : String(samplesLoc);
    throw new InvalidArgumentError(action, "samplesLoc", "a tensor of shape (2, K), K >= 1", got);
  }
  if (kOversampling !== undefined && !(kOversampling >= 1 && kOversampling <= 16)) {
    throw new InvalidArgumentError(action, "kOversampling", "in [1, 16]", String(kOversampling));
  }
  if (
    interpPoints !== undefined && !(Number.isInteger(interpPoints) && interpPoints >= 2 && interpPoints <= 32)
  ) {
    throw new InvalidArgumentError(action, "interpPoints", "a whole number in [2, 32]", String(interpPoints));
  }
}

/**
 * The Fourier transform at the locations.
 *
 * @throws {InvalidArgumentError} when one is outside [-pi, pi]
 */
export async function openTransform(action: string, sampling: VisibilitySampling): Promise<Nufft> {
  const { imgSize: [height, width], samplesLoc, kOversampling = 2, interpPoints = 7 } = sampling;
  const samples = await samplesLoc.data();
  const limit = Math.PI * (1 + 1e-6);
  const bad = samples.find((frequency) => !(Math.abs(frequency) <= limit));
  if (bad !== undefined) {
    throw new InvalidArgumentError(
      action,
      "samplesLoc",
      "in [-pi, pi] (radians per pixel)",
      `a value ${bad}`,
    );
  }
  const options = { oversampling: kOversampling, taps: interpPoints };
  return new Nufft({ imgSize: [height, width], samples, ...options }, samplesLoc);
}
