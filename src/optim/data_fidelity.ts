import { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import { entriesOf, mapEntries, owned, requireSameShape, type Signal, sumOver } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { dualProx } from "./dual_prox.ts";
import { gradientProx } from "./gradient_prox.ts";

/**
 * How far an image's measurements are from the data: fn(x) = d(A(x), y). A subclass gives the distance d of one
 * measurement tensor; for a stack of operators the distances of all entries are summed.
 *
 * @example A fidelity of one's own: noise whose variance differs from pixel to pixel
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, DataFidelity, gaussianBlur, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * // d(u, y) = sum w (u - y)^2 / 2
 * class WeightedL2 extends DataFidelity {
 *   constructor(readonly w: Tensor) {
 *     super();
 *   }
 *   override d = (u: Tensor, y: Tensor) => Promise.resolve(u.sub(y).square().mul(this.w).sum([1, 2, 3]).mul(0.5));
 *   override gradD = (u: Tensor, y: Tensor) => Promise.resolve(u.sub(y).mul(this.w));
 *   override proxD = (u: Tensor, y: Tensor, gamma: number) => // (u + gamma w y) / (1 + gamma w)
 *     Promise.resolve(u.add(y.mul(this.w).mul(gamma)).div(this.w.mul(gamma).add(1)));
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const x = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const fidelity = new WeightedL2(Tensor.arange(1, 257).reshape([1, 1, 16, 16]));
 * assert(await (await fidelity.fn(x, await blur.A(x), blur)).item() < 1e-6); // `fn`, `grad` and `prox` follow from d
 * using p = await fidelity.prox(x, Tensor.zeros([1, 1, 16, 16]), blur, 0.001);
 * assert(await p.norm().item() < await x.norm().item());
 * ```
 */
export abstract class DataFidelity {
  /** d(u, y): one value per batch item, shape (B,). */
  abstract d(u: Tensor, y: Tensor): Promise<Tensor>;

  /** The gradient of d in u, a new tensor of u's shape. */
  abstract gradD(u: Tensor, y: Tensor): Promise<Tensor>;

  /** argmin_v gamma d(v, y) + ||v - u||^2 / 2, a new tensor of u's shape. */
  abstract proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor>;

  /** The fidelity of entry `index` of a stack's measurements; this one for all unless a subclass says otherwise. */
  protected entry(_index: number): DataFidelity {
    return this;
  }

  /** Whether d is smooth, so that gradient descent serves where the physics is not linear. */
  get smooth(): boolean {
    return true;
  }

  /** prox_{gamma (lamb d)*}(u) = u - gamma prox_{lamb / gamma d}(u / gamma), by Moreau's identity. */
  async proxDConjugate(u: Tensor, y: Tensor, gamma: number, lamb = 1): Promise<Tensor> {
    using scaled = u.mul(1 / gamma);
    using near = owned(await this.proxD(scaled, y, lamb / gamma), scaled);
    return u.addScaled(near, -gamma);
  }

  /** prox_{gamma (lamb fn)*}(x) = x - gamma prox_{lamb / gamma fn}(x / gamma), by Moreau's identity. */
  async proxConjugate(x: Tensor, y: Signal, physics: Physics, gamma: number, lamb = 1): Promise<Tensor> {
    using scaled = x.mul(1 / gamma);
    using near = owned(await this.prox(scaled, y, physics, lamb / gamma), scaled);
    return x.addScaled(near, -gamma);
  }

  /**
   * argmin_z gamma fn(z) + ||z - x||^2 / 2, a new tensor of x's shape: by at most 100 proximal gradient steps on the dual
   * problem, to 1e-5; where the physics is not linear, by at most 50 steps of gradient descent, which converge for a
   * small gamma.
   *
   * @throws {InvalidArgumentError} when the physics is not linear and d is not smooth
   */
  async prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor> {
    if (!(physics instanceof LinearPhysics)) {
      if (this.smooth) return await gradientProx(x, gamma, (z) => this.grad(z, y, physics));
      const action = `compute ${this.constructor.name}.prox`;
      throw new InvalidArgumentError(action, "physics", "linear", physics.constructor.name);
    }
    const data = entriesOf(y);
    return await dualProx(
      x,
      physics,
      gamma,
      (v, weight) => mapEntries<Signal>(v, (entry, i) => this.entry(i).proxD(entry, data[i], weight)),
    );
  }

  /**
   * d(A(x), y), shape (B,).
   *
   * @throws {InvalidArgumentError} when y has not the shape of A(x)
   */
  async fn(x: Tensor, y: Signal, physics: Physics): Promise<Tensor> {
    using u = await physics.A(x);
    requireSameShape("compare measurements", "y", y, u);
    const data = entriesOf(y);
    return await sumOver(entriesOf(u), (entry, i) => this.entry(i).d(entry, data[i]));
  }

  /**
   * J_A(x)^T grad d(A(x), y), of x's shape.
   *
   * @throws {InvalidArgumentError} when y has not the shape of A(x)
   */
  async grad(x: Tensor, y: Signal, physics: Physics): Promise<Tensor> {
    using u = await physics.A(x);
    requireSameShape("compare measurements", "y", y, u);
    const data = entriesOf(y);
    using v = await mapEntries(u, (entry, i) => this.entry(i).gradD(entry, data[i]));
    return await physics.A_vjp(x, v);
  }
}
