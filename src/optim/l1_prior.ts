import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";
import { absoluteSum, softThreshold } from "./soft_threshold.ts";

/** Sparse images: g(x) = ||x||_1. */
export class L1Prior extends Prior {
  /** `true` */
  override readonly explicitPrior = true;

  /** ||x||_1, shape (B,) */
  override async fn(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(absoluteSum(x, otherDims(x)));
  }

  /** A subgradient: sign(x). */
  override async grad(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(x.sign());
  }

  /** sign(x) max(|x| - gamma, 0) */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    return await Promise.resolve(softThreshold(x, gamma));
  }
}
