import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { requireCounts } from "./require_counts.ts";
import { WaveletDenoiser, type WaveletDenoiserOptions } from "./wavelet_denoiser.ts";

/** Options of {@link WaveletDictDenoiser}. */
export interface WaveletDictDenoiserOptions extends Omit<WaveletDenoiserOptions, "wv"> {
  /** The wavelets, at least one of `"db1"` to `"db8"`; default `["db8", "db4"]`. */
  listWv?: readonly string[];
  /** Most iterations; default 10. */
  maxIter?: number;
}

/** The relative change of the image below which the iteration stops. */
const CHANGE = 1e-3;

/**
 * Denoises with several wavelets W_1, ..., W_n together, by a Dykstra-like iteration (Combettes and Pesquet, 2011) from
 * z_i = y: x = mean_i W_i(z_i), then z_i <- x + z_i - W_i(z_i), until x changes by less than 1e-3 of its norm.
 *
 * @example Two wavelets see more than one
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, psnr, setDefaultDevice, sheppLogan } from "@deepinv/distributed";
 * import { Tensor, WaveletDenoiser, WaveletDictDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const clean = sheppLogan(32);
 * const noisy = clean.add(Tensor.randn(clean.shape, { seed: 1 }).mul(0.1));
 * const both = new WaveletDictDenoiser({ listWv: ["db1", "db4"], level: 2, maxIter: 5 });
 * using together = await both.forward(noisy, 0.15);
 * using single = await new WaveletDenoiser({ wv: "db4", level: 2 }).forward(noisy, 0.15);
 * assert(await psnr(together, clean).item() > await psnr(single, clean).item());
 * assert(await psnr(together, clean).item() > await psnr(noisy, clean).item());
 * ```
 */
export class WaveletDictDenoiser extends Denoiser {
  readonly #members: readonly WaveletDenoiser[];
  readonly #maxIter: number;

  /**
   * Sets the transforms.
   *
   * @throws {InvalidArgumentError} for options that are not among those listed
   */
  constructor(options: WaveletDictDenoiserOptions = {}) {
    super();
    const { listWv = ["db8", "db4"], maxIter = 10, ...shared } = options;
    requireCounts("WaveletDictDenoiser", { maxIter });
    if (listWv.length === 0) {
      throw new InvalidArgumentError("build WaveletDictDenoiser", "listWv", "at least one wavelet", "none");
    }
    this.#members = listWv.map((wv) => new WaveletDenoiser({ ...shared, wv }));
    this.#maxIter = maxIter;
  }

  /**
   * The denoised images, of y's shape.
   *
   * @param y as for {@link WaveletDenoiser}
   * @param ths as for {@link WaveletDenoiser}
   * @throws {InvalidArgumentError} for other shapes, and for a threshold that is negative or not finite
   */
  override async forward(y: Tensor, ths: number | Tensor = 0.1): Promise<Tensor> {
    let points = this.#members.map(() => y.clone());
    let x = Tensor.zeros(y.shape, y);
    try {
      for (let k = 0; k < this.#maxIter; k++) {
        const step = await this.#advance(points, ths);
        points.forEach((point) => point.dispose());
        points = step.points;
        using previous = x;
        x = step.x;
        if (await hasSettled(previous, x)) break;
      }
      return x.clone();
    } finally {
      x.dispose();
      points.forEach((point) => point.dispose());
    }
  }

  /** The details of every wavelet; disposed by the caller. */
  details(x: Tensor): Tensor[] {
    return this.#members.flatMap((member) => member.details(x));
  }

  async #advance(points: readonly Tensor[], ths: number | Tensor): Promise<{ x: Tensor; points: Tensor[] }> {
    const denoised: Tensor[] = [];
    try {
      for (const [i, member] of this.#members.entries()) denoised.push(await member.forward(points[i], ths));
      using stacked = Tensor.stack(denoised);
      const x = stacked.mean(0);
      const next = points.map((point, i) => {
        using ahead = x.add(point);
        return ahead.sub(denoised[i]);
      });
      return { x, points: next };
    } finally {
      denoised.forEach((tensor) => tensor.dispose());
    }
  }
}

/** Whether ||x - previous|| < 1e-3 ||x + 1e-6||, over all values. */
async function hasSettled(previous: Tensor, x: Tensor): Promise<boolean> {
  using change = x.sub(previous);
  using moved = change.norm();
  using raised = x.add(1e-6);
  using length = raised.norm();
  return await moved.item() < CHANGE * await length.item();
}
