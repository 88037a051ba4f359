import type { Signal } from "../tensor/signal.ts";
import type { Physics } from "../physics/physics.ts";
import { Tensor } from "../tensor/tensor.ts";
import { DataFidelity } from "./data_fidelity.ts";

/**
 * The measurements do not matter: d(u, y) = 0.
 *
 * @example The prior alone: where it draws an image to
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L1Prior, openDevice, PGD, setDefaultDevice, Tensor, ZeroFidelity } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.from([3, -1, 0.5, 0], [1, 1, 1, 4]); // where the run starts
 * const algorithm = new PGD({ dataFidelity: new ZeroFidelity(), prior: new L1Prior(), lambda: 0.25, maxIter: 4 });
 * const { x, metrics } = await algorithm.run(y, new Denoising());
 * assert.deepEqual([...await x.data()], [2, 0, 0, 0]); // 4 steps of 0.25 towards 0
 * assert.deepEqual(metrics.cost, [[0.9375, 0.75, 0.625, 0.5]]); // lambda ||x||_1 after every step
 * ```
 */
export class ZeroFidelity extends DataFidelity {
  /** 0 for every item, shape (B,) */
  override d(u: Tensor, _y: Tensor): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros([u.shape[0]], u));
  }

  /** 0 */
  override gradD(u: Tensor, _y: Tensor): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros(u.shape, u));
  }

  /** u */
  override proxD(u: Tensor, _y: Tensor, _gamma: number): Promise<Tensor> {
    return Promise.resolve(u.clone());
  }

  /** 0 for every item, without measuring; shape (B,) */
  override fn(x: Tensor, _y: Signal, _physics: Physics): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros([x.shape[0]], x));
  }

  /** 0, without measuring */
  override grad(x: Tensor, _y: Signal, _physics: Physics): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros(x.shape, x));
  }

  /** x */
  override prox(x: Tensor, _y: Signal, _physics: Physics, _gamma: number): Promise<Tensor> {
    return Promise.resolve(x.clone());
  }
}
