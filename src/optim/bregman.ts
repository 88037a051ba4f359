import { otherDims } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * A convex potential phi whose divergence D(x, y) = phi(x) - phi(y) - <grad phi(y), x - y> takes the place of the squared
 * distance in mirror descent.
 *
 * @example A potential of one's own: gradient descent with a stepsize for every pixel
 * ```ts
 * import assert from "node:assert/strict";
 * import { Bregman, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * // phi(x) = sum w x^2 / 2
 * class Preconditioner extends Bregman {
 *   constructor(readonly w: Tensor) {
 *     super();
 *   }
 *   override fn = (x: Tensor) => Promise.resolve(this.w.mul(x).mul(x).sum([1, 2, 3]).mul(0.5));
 *   override grad = (x: Tensor) => Promise.resolve(x.mul(this.w));
 *   override conjugate = (v: Tensor) => Promise.resolve(v.square().div(this.w).sum([1, 2, 3]).mul(0.5));
 *   override gradConj = (v: Tensor) => Promise.resolve(v.div(this.w));
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const potential = new Preconditioner(Tensor.from([1, 2, 4], [1, 1, 1, 3]));
 * const [x, gradient] = [Tensor.from([5, 5, 5], [1, 1, 1, 3]), Tensor.ones([1, 1, 1, 3])];
 * const next = await potential.mirrorStep(x, gradient, 0.5); // x - 0.5 gradient / w
 * assert.deepEqual([...await next.data()], [4.5, 4.75, 4.875]);
 * ```
 */
export abstract class Bregman {
  /** Whether images must be positive. */
  readonly positive: boolean = false;

  /** phi(x), shape (B,). */
  abstract fn(x: Tensor): Promise<Tensor>;

  /** grad phi(x), a new tensor. */
  abstract grad(x: Tensor): Promise<Tensor>;

  /** phi*(v), the convex conjugate, shape (B,). */
  abstract conjugate(v: Tensor): Promise<Tensor>;

  /** grad phi*(v), the inverse of {@link grad}: a new tensor, NaN outside the domain of phi*. */
  abstract gradConj(v: Tensor): Promise<Tensor>;

  /** The Bregman divergence D(x, y) >= 0, shape (B,). */
  async div(x: Tensor, y: Tensor): Promise<Tensor> {
    using left = await this.fn(x);
    using right = await this.fn(y);
    using slope = await this.grad(y);
    using difference = x.sub(y);
    using along = slope.dot(difference, otherDims(x));
    using gap = left.sub(right);
    return gap.sub(along);
  }

  /** The mirror descent step grad phi*(grad phi(x) - gamma gradient). */
  async mirrorStep(x: Tensor, gradient: Tensor, gamma = 1): Promise<Tensor> {
    using dual = await this.grad(x);
    using moved = dual.addScaled(gradient, -gamma);
    return await this.gradConj(moved);
  }
}

/**
 * phi(x) = ||x||^2 / 2: mirror descent is gradient descent, the divergence half the squared distance.
 *
 * @example Mirror descent with it is gradient descent
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, BregmanL2, gaussianBlur, GD, L2, MD, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const y = await blur.A(Tensor.randn([1, 1, 16, 16], { seed: 1 }));
 * const options = { dataFidelity: new L2(), stepsize: 0.9, maxIter: 5 };
 * using mirrored = (await new MD({ ...options, bregmanPotential: new BregmanL2() }).run(y, blur)).x;
 * using descended = (await new GD(options).run(y, blur)).x;
 * assert.deepEqual(await mirrored.data(), await descended.data());
 * ```
 */
export class BregmanL2 extends Bregman {
  /** ||x||^2 / 2, shape (B,) */
  override async fn(x: Tensor): Promise<Tensor> {
    using squares = x.dot(x, otherDims(x));
    return await Promise.resolve(squares.mul(0.5));
  }

  /** x */
  override async grad(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(x.clone());
  }

  /** ||v||^2 / 2, shape (B,) */
  override async conjugate(v: Tensor): Promise<Tensor> {
    return await this.fn(v);
  }

  /** v */
  override async gradConj(v: Tensor): Promise<Tensor> {
    return await this.grad(v);
  }
}

/**
 * Burg's entropy of positive images, phi(x) = -sum log x, whose divergence is that of Itakura and Saito.
 *
 * @example Photon counts: a stepsize that needs no line search (Bauschke, Bolte and Teboulle, 2017)
 * ```ts
 * import assert from "node:assert/strict";
 * import { BurgEntropy, MD, openDevice, PoissonLikelihood, setDefaultDevice, Tensor } from "@deepinv/distributed";
 * import { sheppLogan, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Tomography({ angles: 12, imgWidth: 16 });
 * const y = await physics.A(sheppLogan(16));
 * const stepsize = 1 / await y.sum().item(); // the likelihood is smooth relative to the entropy, with constant sum(y)
 * const potential = { bregmanPotential: new BurgEntropy() };
 * const algorithm = new MD({ dataFidelity: new PoissonLikelihood(), stepsize, maxIter: 20, ...potential });
 * const { x, metrics } = await algorithm.run(y, physics, { init: Tensor.ones([1, 1, 16, 16]) });
 * const [cost] = metrics.cost;
 * assert(cost.every((value, k) => k === 0 || value <= cost[k - 1]));
 * assert(await x.min().item() > 0);
 * ```
 */
export class BurgEntropy extends Bregman {
  /** `true` */
  override readonly positive = true;

  /** -sum log x, shape (B,) */
  override async fn(x: Tensor): Promise<Tensor> {
    using logarithm = x.log();
    using total = logarithm.sum(otherDims(x));
    return await Promise.resolve(total.neg());
  }

  /** -1 / x */
  override async grad(x: Tensor): Promise<Tensor> {
    using ones = Tensor.full([], -1, x);
    return await Promise.resolve(ones.div(x));
  }

  /** -n - sum log(-v) for v < 0 with n values an item, shape (B,) */
  override async conjugate(v: Tensor): Promise<Tensor> {
    using mirrored = v.neg();
    using entropy = await this.fn(mirrored);
    return entropy.add(-v.numel / v.shape[0]);
  }

  /** -1 / v for v < 0 */
  override async gradConj(v: Tensor): Promise<Tensor> {
    using inverse = await this.grad(v);
    using inside = inverse.greater(0);
    return inside.where(inverse, NaN);
  }
}

/**
 * The negative entropy of positive images, phi(x) = sum x log x, whose divergence is that of Kullback and Leibler.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { NegEntropy, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const entropy = new NegEntropy();
 * using x = Tensor.from([0.5, 0.5], [1, 2]);
 * using y = Tensor.from([0.25, 0.75], [1, 2]);
 * using divergence = await entropy.div(x, y); // sum x log(x / y) for sums that are equal, one value per item
 * const expected = 0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75);
 * assert(Math.abs(await divergence.item() - expected) < 1e-6);
 * using next = await entropy.mirrorStep(x, Tensor.from([Math.log(2), -100], [1, 2])); // x e^(-gradient) stays positive
 * assert(Math.abs((await next.data())[0] - 0.25) < 1e-6);
 * ```
 */
export class NegEntropy extends Bregman {
  /** `true` */
  override readonly positive = true;

  /** sum x log x, shape (B,) */
  override async fn(x: Tensor): Promise<Tensor> {
    using logarithm = x.log();
    return await Promise.resolve(x.dot(logarithm, otherDims(x)));
  }

  /** 1 + log x */
  override async grad(x: Tensor): Promise<Tensor> {
    using logarithm = x.log();
    return await Promise.resolve(logarithm.add(1));
  }

  /** sum e^(v - 1), shape (B,) */
  override async conjugate(v: Tensor): Promise<Tensor> {
    using terms = await this.gradConj(v);
    return terms.sum(otherDims(v));
  }

  /** e^(v - 1) */
  override async gradConj(v: Tensor): Promise<Tensor> {
    using shifted = v.add(-1);
    return await Promise.resolve(shifted.exp());
  }
}
