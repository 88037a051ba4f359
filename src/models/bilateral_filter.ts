import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { requireImages } from "./threshold.ts";

/** Options of {@link BilateralFilter}. */
export interface BilateralFilterOptions {
  /** Standard deviation of the spatial weights in pixels, > 0; default 1. */
  sigmaD?: number;
  /** Standard deviation of the intensity weights in the image's units, > 0; default 1. */
  sigmaR?: number;
  /** Side of the square window, odd; default 5. */
  windowSize?: number;
}

/**
 * The bilateral filter (Tomasi and Manduchi, 1998), channel by channel: a mean over a window with weights
 * exp(-distance^2 / (2 sigmaD^2)) exp(-(x_j - x_i)^2 / (2 sigmaR^2)). Outside the image there are zeros, which take part
 * as in deepinv.
 *
 * @example Noise goes, edges stay
 * ```ts
 * import assert from "node:assert/strict";
 * import { BilateralFilter, openDevice, psnr, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const edge = Tensor.arange(0, 32).greater(15).reshape([1, 1, 1, 32]).expand([1, 1, 32, 32]); // black, then white
 * const noisy = edge.add(Tensor.randn([1, 1, 32, 32], { seed: 1 }).mul(0.1));
 * const filter = new BilateralFilter({ sigmaD: 2, sigmaR: 0.4, windowSize: 7 }); // pixels, grey levels, pixels
 * using clean = await filter.forward(noisy);
 * const [before, after] = [await psnr(noisy, edge).item(), await psnr(clean, edge).item()];
 * assert(after > before + 5); // dB
 * ```
 */
export class BilateralFilter extends Denoiser {
  readonly #sigmaD: number;
  readonly #sigmaR: number;
  readonly #windowSize: number;

  /**
   * Sets the window and its weights.
   *
   * @throws {InvalidArgumentError} when a deviation is not positive, or the window is not odd
   */
  constructor({ sigmaD = 1, sigmaR = 1, windowSize = 5 }: BilateralFilterOptions = {}) {
    super();
    for (const [name, value] of Object.entries({ sigmaD, sigmaR })) {
      if (!(value > 0 && value < Infinity)) {
        throw new InvalidArgumentError("build BilateralFilter", name, "finite and > 0", String(value));
      }
    }
    if (!Number.isInteger(windowSize) || windowSize < 1 || windowSize % 2 === 0) {
      throw new InvalidArgumentError(
        "build BilateralFilter",
        "windowSize",
        "odd and >= 1",
        String(windowSize),
      );
    }
    this.#sigmaD = sigmaD;
    this.#sigmaR = sigmaR;
    this.#windowSize = windowSize;
  }

  /**
   * The filtered images, of x's shape.
   *
   * @param x (B, C, H, W)
   * @param _sigma plays no part
   * @throws {InvalidArgumentError} for another number of dimensions
   */
  override async forward(x: Tensor, _sigma?: number | Tensor): Promise<Tensor> {
    requireImages("BilateralFilter", x);
    const [, , height, width] = x.shape;
    const radius = (this.#windowSize - 1) / 2;
    using padded = x.pad([[radius, radius], [radius, radius]]);
    let total = Tensor.zeros(x.shape, x), weights = Tensor.zeros(x.shape, x);
    try {
      for (let u = 0; u < this.#windowSize; u++) {
        for (let v = 0; v < this.#windowSize; v++) {
          const near = Math.exp(-((u - radius) ** 2 + (v - radius) ** 2) / (2 * this.#sigmaD ** 2));
          using neighbour = padded.slice([null, null, [u, u + height], [v, v + width]]);
          using weight = this.#similarity(neighbour, x);
          using share = weight.mul(neighbour);
          using previousTotal = total;
          using previousWeights = weights;
          total = previousTotal.addScaled(share, near);
          weights = previousWeights.addScaled(weight, near);
        }
      }
      return await Promise.resolve(total.div(weights));
    } finally {
      total.dispose();
      weights.dispose();
    }
  }

  /** exp(-(a - b)^2 / (2 sigmaR^2)) */
  #similarity(a: Tensor, b: Tensor): Tensor {
    using difference = a.sub(b);
    using squares = difference.square();
    using exponent = squares.mul(-1 / (2 * this.#sigmaR ** 2));
    return exponent.exp();
  }
}
