import { Tensor } from "../tensor/tensor.ts";
import { Prior } from "./prior.ts";

/** Nothing is known: g = 0. */
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
