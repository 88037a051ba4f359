import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";

/** Tikhonov regularisation: g(x) = ||x||^2 / 2. */
export class Tikhonov extends Prior {
  /** `true` */
  override readonly explicitPrior = true;

  /** ||x||^2 / 2, shape (B,) */
  override async fn(x: Tensor): Promise<Tensor> {
    using squares = x.dot(x, otherDims(x));
    return await Promise.resolve(squares.mul(0.5));
  }

  /** x */
  override async grad(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(x.clone());
  }

  /** x / (1 + gamma) */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    return await Promise.resolve(x.mul(1 / (1 + gamma)));
  }
}
