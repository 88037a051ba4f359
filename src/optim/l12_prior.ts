import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Prior } from "./prior.ts";

/** The least length that is divided by. */
const TINY = 1e-12;

/**
 * Sparse groups: g(x) = the sum of the Euclidean norms along one dimension.
 *
 * @example Pixels that are dark in all channels together
 * ```ts
 * import assert from "node:assert/strict";
 * import { L12Prior, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const prior = new L12Prior({ l2Axis: 1 }); // a group is a pixel: its values in all channels
 * const x = Tensor.from([3, 0.3, 4, 0.4], [1, 2, 1, 2]); // two channels of two pixels: (3, 4) and (0.3, 0.4)
 * assert(Math.abs(await (await prior.fn(x)).item() - 5.5) < 1e-5); // 5 + 0.5
 * using p = await prior.prox(x, undefined, 1);
 * const [red, darkRed, green, darkGreen] = await p.data();
 * assert(Math.abs(red - 2.4) < 1e-5 && Math.abs(green - 3.2) < 1e-5); // shortened from 5 to 4
 * assert.deepEqual([darkRed, darkGreen], [0, 0]); // a group shorter than 1 vanishes
 * ```
 */
export class L12Prior extends Prior {
  /** `true` */
  override readonly explicitPrior = true;
  readonly #axis: number;

  /**
   * Chooses the dimension.
   *
   * @param options.l2Axis the dimension that a group runs along, counted from the end when negative, never the batch;
   * default -1
   * @throws {InvalidArgumentError} when it is not a whole number, or 0
   */
  constructor({ l2Axis = -1 }: { l2Axis?: number } = {}) {
    super();
    if (!Number.isInteger(l2Axis) || l2Axis === 0) {
      throw new InvalidArgumentError(
        "build L12Prior",
        "l2Axis",
        "a whole number other than 0",
        String(l2Axis),
      );
    }
    this.#axis = l2Axis;
  }

  /** The sum of the groups' norms, shape (B,). */
  override async fn(x: Tensor): Promise<Tensor> {
    using norms = x.norm(this.#axis, { keepDims: true });
    return await Promise.resolve(norms.sum(norms.shape.slice(1).map((_, d) => d + 1)));
  }

  /** A subgradient: x over its group's norm, 0 where that is 0. */
  override async grad(x: Tensor): Promise<Tensor> {
    using norms = x.norm(this.#axis, { keepDims: true });
    using floored = norms.maximum(TINY);
    return await Promise.resolve(x.div(floored));
  }

  /** x max(1 - gamma / norm, 0) with its group's norm */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    using norms = x.norm(this.#axis, { keepDims: true });
    using shorter = norms.sub(gamma);
    using kept = shorter.relu();
    using floored = norms.add(TINY);
    using factor = kept.div(floored);
    return await Promise.resolve(x.mul(factor));
  }
}
