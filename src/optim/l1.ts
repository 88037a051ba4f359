import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DataFidelity } from "./data_fidelity.ts";
import { absoluteSum, softThreshold } from "./soft_threshold.ts";

/**
 * The negative log-likelihood of Laplacian noise, robust against outliers: d(u, y) = ||u - y||_1.
 *
 * @example One broken pixel hardly counts
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L1, L2, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Denoising();
 * const x = Tensor.zeros([1, 1, 1, 4]);
 * const y = Tensor.from([0, 0.1, 0, -10], [1, 1, 1, 4]);
 * assert(Math.abs(await (await new L1().fn(x, y, physics)).item() - 10.1) < 1e-5);
 * assert(Math.abs(await (await new L2().fn(x, y, physics)).item() - 50.005) < 1e-5);
 * using p = await new L1().prox(x, y, physics, 0.5); // each pixel goes towards y, by 0.5 at most
 * assert.deepEqual([...await p.data()], [...Float32Array.of(0, 0.1, 0, -0.5)]);
 * ```
 */
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
