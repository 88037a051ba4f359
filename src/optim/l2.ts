import { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import { otherDims, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { DataFidelity } from "./data_fidelity.ts";

/**
 * The negative log-likelihood of Gaussian noise: d(u, y) = ||u - y||^2 / (2 sigma^2).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, L2, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const x = Tensor.ones([2, 1, 16, 16]), y = Tensor.zeros([2, 1, 16, 16]);
 * const fidelity = new L2({ sigma: 0.5 });
 * using value = await fidelity.fn(x, y, blur); // 256 / (2 sigma^2) for both images of the batch
 * assert((await value.data()).every((v) => Math.abs(v - 512) < 1e-2));
 * using p = await fidelity.prox(x, y, blur, 0.25); // gamma A^T (A p - y) / sigma^2 + p - x = 0
 * using slope = await fidelity.grad(p, y, blur);
 * assert(await slope.mul(0.25).add(p).sub(x).norm().item() < 1e-3);
 * ```
 */
export class L2 extends DataFidelity {
  /** Standard deviation of the noise. */
  readonly sigma: number;

  /**
   * Sets the noise level.
   *
   * @param options.sigma standard deviation, > 0; default 1
   * @throws {InvalidArgumentError} when it is not positive and finite
   */
  constructor(options: { sigma?: number } = {}) {
    super();
    this.sigma = options.sigma ?? 1;
    if (!(this.sigma > 0 && this.sigma < Infinity)) {
      throw new InvalidArgumentError("build L2", "sigma", "finite and > 0", String(this.sigma));
    }
  }

  /** ||u - y||^2 / (2 sigma^2), shape (B,). */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using difference = u.sub(y);
    using squares = difference.dot(difference, otherDims(u));
    return await Promise.resolve(squares.mul(0.5 / this.sigma ** 2));
  }

  /** (u - y) / sigma^2 */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using difference = u.sub(y);
    return await Promise.resolve(difference.mul(1 / this.sigma ** 2));
  }

  /** (u + w y) / (1 + w) with w = gamma / sigma^2 */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    const weight = gamma / this.sigma ** 2;
    using sum = u.addScaled(y, weight);
    return await Promise.resolve(sum.mul(1 / (1 + weight)));
  }

  /** physics.prox_l2(x, y, gamma / sigma^2); where the physics is not linear, what every fidelity does. */
  override async prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor> {
    if (!(physics instanceof LinearPhysics)) return await super.prox(x, y, physics, gamma);
    return await physics.prox_l2(x, y, gamma / this.sigma ** 2);
  }
}

/** Whether a fidelity is L2 with nothing overridden, so that its prox solves a linear system. */
export function isPlainL2(fidelity: DataFidelity): fidelity is L2 {
  return fidelity instanceof L2 &&
    (["d", "gradD", "proxD", "fn", "grad", "prox"] as const).every((name) =>
      fidelity[name] === L2.prototype[name]
    );
}
