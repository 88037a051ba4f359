import type { Tensor } from "../tensor/tensor.ts";
import { TVPrior } from "./tv_prior.ts";

/**
 * The anisotropic total variation of images or volumes: g(x) = sum |(nabla x)_1| + |(nabla x)_2| [+ |(nabla x)_3|].
 *
 * deepinv's `TVL1Prior` with its gradient corrected: there it is that of the isotropic total variation.
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
