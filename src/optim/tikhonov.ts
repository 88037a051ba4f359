import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";

/**
 * Tikhonov regularisation: g(x) = ||x||^2 / 2.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, L2, openDevice } from "@deepinv/distributed";
 * import { PGD, setDefaultDevice, Tensor, Tikhonov } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const y = await blur.A(Tensor.randn([1, 1, 16, 16], { seed: 1 }));
 * const lambda = 0.2;
 * const algorithm = new PGD({ dataFidelity: new L2(), prior: new Tikhonov(), lambda, maxIter: 60 });
 * const { x } = await algorithm.run(y, blur);
 * using expected = await blur.prox_l2(Tensor.zeros(y.shape), y, 1 / lambda); // (A^T A + lambda)^-1 A^T y
 * assert(await x.sub(expected).norm().item() < 1e-3 * await expected.norm().item());
 * ```
 */
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
