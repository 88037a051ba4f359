import { otherDims } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * A convex potential phi whose divergence D(x, y) = phi(x) - phi(y) - <grad phi(y), x - y> takes the place of the squared
 * distance in mirror descent.
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

/** phi(x) = ||x||^2 / 2: mirror descent is gradient descent, the divergence half the squared distance. */
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

/** Burg's entropy of positive images, phi(x) = -sum log x, whose divergence is that of Itakura and Saito. */
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

/** The negative entropy of positive images, phi(x) = sum x log x, whose divergence is that of Kullback and Leibler. */
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
