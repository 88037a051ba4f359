import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";
import { absoluteSum, softThreshold } from "./soft_threshold.ts";

/**
 * Sparse images: g(x) = ||x||_1.
 *
 * @example A sparse signal from few measurements
 * ```ts
 * import assert from "node:assert/strict";
 * import { CompressedSensing, FISTA, L1Prior, L2, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.from(Float32Array.from({ length: 64 }, (_, i) => (i % 16 === 3 ? 1 : 0)), [1, 1, 8, 8]);
 * const physics = new CompressedSensing({ m: 32, imgSize: [1, 8, 8], seed: 1 });
 * const y = await physics.A(x);
 * const stepsize = 1 / await physics.computeSqnorm(x);
 * const algorithm = new FISTA({ dataFidelity: new L2(), prior: new L1Prior(), lambda: 0.01, stepsize, maxIter: 150 });
 * const { x: found } = await algorithm.run(y, physics);
 * assert(await found.sub(x).abs().max().item() < 0.05); // 4 values of 64, from 32 numbers
 * ```
 */
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
