import { LinearPhysics, Physics, type Tensor } from "../../src/physics/mod.ts";

/** The non-linear operator y = x^2, whose vector-Jacobian product is 2 x v. */
export class Squares extends Physics<Tensor> {
  /** x^2 */
  override async A(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(x.square());
  }

  /** 2 x v */
  override async A_vjp(x: Tensor, v: Tensor): Promise<Tensor> {
    using product = x.mul(v);
    return await Promise.resolve(product.mul(2));
  }
}

/** y = w x with a weight for every pixel: its norm is the largest weight, and it is its own adjoint. */
export class Weights extends LinearPhysics<Tensor> {
  /** @param weights (1, C, H, W) */
  constructor(readonly weights: Tensor) {
    super();
  }

  /** w x */
  override async A(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(x.mul(this.weights));
  }

  /** w y */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    return await this.A(y);
  }
}
