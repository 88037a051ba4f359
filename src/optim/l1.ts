import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DataFidelity } from "./data_fidelity.ts";
import { absoluteSum, softThreshold } from "./soft_threshold.ts";

/** The negative log-likelihood of Laplacian noise, robust against outliers: d(u, y) = ||u - y||_1. */
export class L1 extends DataFidelity {
  /** `false` */
  override get smooth(): boolean {
    return false;
  }

  /** ||u - y||_1, shape (B,) */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using difference = u.sub(y);
    return await Promise.resolve(absoluteSum(difference, otherDims(u)));
  }

  /** A subgradient: sign(u - y). */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using difference = u.sub(y);
    return await Promise.resolve(difference.sign());
  }

  /** y + sign(u - y) max(|u - y| - gamma, 0) */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    using difference = u.sub(y);
    using shrunk = softThreshold(difference, gamma);
    return await Promise.resolve(shrunk.add(y));
  }
}
