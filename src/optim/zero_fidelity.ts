import type { Signal } from "../tensor/signal.ts";
import type { Physics } from "../physics/physics.ts";
import { Tensor } from "../tensor/tensor.ts";
import { DataFidelity } from "./data_fidelity.ts";

/** The measurements do not matter: d(u, y) = 0. */
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
