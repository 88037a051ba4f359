import { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";

/**
 * Nothing is known: g = 0.
 *
 * @example Least squares: the algorithms' default
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, FISTA, gaussianBlur, L2 } from "@deepinv/distributed";
 * import { openDevice, setDefaultDevice, sheppLogan, ZeroPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const y = await blur.A(sheppLogan(32));
 * const algorithm = new FISTA({ dataFidelity: new L2(), prior: new ZeroPrior(), maxIter: 30 }); // or no prior at all
 * const { metrics: { cost: [cost] } } = await algorithm.run(y, blur);
 * assert(cost[29] < 1e-2 * cost[0]);
 * ```
 */
export class ZeroPrior extends Prior {
  /** `true`: the cost is the fidelity's. */
  override readonly explicitPrior = true;

  /** 0 for every item, shape (B,). */
  override fn(x: Tensor): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros([x.shape[0]], x));
  }

  /** 0 */
  override grad(x: Tensor): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros(x.shape, x));
  }

  /** x */
  override prox(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x.clone());
  }
}
