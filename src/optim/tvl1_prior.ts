import type { Tensor } from "../tensor/tensor.ts";
import { TVPrior } from "./tv_prior.ts";

/**
 * The anisotropic total variation of images or volumes: g(x) = sum |(nabla x)_1| + |(nabla x)_2| [+ |(nabla x)_3|].
 *
 * deepinv's `TVL1Prior` with its gradient corrected: there it is that of the isotropic total variation.
 *
 * @example A corner counts by its sides, not by its diagonal
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, TVL1Prior, TVPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const corner = Tensor.from([1, 0, 0, 0], [1, 1, 2, 2]);
 * const prior = new TVL1Prior({ nItMax: 200 });
 * assert.equal(await (await prior.fn(corner)).item(), 2);
 * assert(Math.abs(await (await new TVPrior().fn(corner)).item() - Math.SQRT2) < 1e-6);
 * using p = await prior.prox(corner, undefined, 0.1); // lowers the pixel by 2 gamma, raises the others
 * assert(Math.abs((await p.data())[0] - 0.8) < 0.01);
 * assert(Math.abs(await p.sum().item() - 1) < 1e-4); // their sum stays
 * ```
 */
export class TVL1Prior extends TVPrior {
  /** `true` */
  protected override get anisotropic(): boolean {
    return true;
  }

  /** |s_1| + |s_2| + ... */
  protected override length(slopes: readonly Tensor[]): Tensor {
    const sizes = slopes.map((slope) => slope.abs());
    return sizes.reduce((sum, size) => {
      using left = sum;
      using right = size;
      return left.add(right);
    });
  }

  /** The signs of the components. */
  protected override directions(slopes: readonly Tensor[]): Tensor[] {
    return slopes.map((slope) => slope.sign());
  }
}
