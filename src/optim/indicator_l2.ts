import { otherDims } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { DataFidelity } from "./data_fidelity.ts";

/** What stands for infinity, as in deepinv. */
const OUTSIDE = 1e16;

/**
 * Measurements within a ball around the data: d(u, y) = 0 where ||u - y|| <= radius, else 1e16. It has no gradient.
 *
 * @example The smoothest image whose blurred version is within the noise of the data
 * ```ts
 * import assert from "node:assert/strict";
 * import { ADMM, Denoising, IndicatorL2, openDevice, setDefaultDevice, Tensor, Tikhonov } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const dataFidelity = new IndicatorL2({ radius: 4 });
 * using near = await dataFidelity.proxD(Tensor.zeros(y.shape), y, 1); // the ball's nearest point
 * assert(Math.abs(await near.sub(y).norm().item() - 4) < 1e-4);
 * const algorithm = new ADMM({ dataFidelity, prior: new Tikhonov(), lambda: 1, maxIter: 50 });
 * const { x } = await algorithm.run(y, new Denoising());
 * assert(await x.sub(near).norm().item() < 1e-3); // the least norm in the ball
 * ```
 */
export class IndicatorL2 extends DataFidelity {
  /** The ball's radius. */
  readonly radius: number;

  /**
   * Sets the ball.
   *
   * @param options.radius of the ball, >= 0, one for each item
   * @throws {InvalidArgumentError} when it is negative or not finite
   */
  constructor(options: { radius: number }) {
    super();
    this.radius = options.radius;
    if (!(this.radius >= 0 && this.radius < Infinity)) {
      throw new InvalidArgumentError("build IndicatorL2", "radius", "finite and >= 0", String(this.radius));
    }
  }

  /** `false` */
  override get smooth(): boolean {
    return false;
  }

  /** 0 or 1e16, shape (B,) */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using difference = u.sub(y);
    using distance = difference.norm(otherDims(u));
    using outside = distance.greater(this.radius);
    return await Promise.resolve(outside.mul(OUTSIDE));
  }

  /**
   * There is none.
   *
   * @throws {InvalidArgumentError} always
   */
  override gradD(_u: Tensor, _y: Tensor): Promise<Tensor> {
    return Promise.reject(
      new InvalidArgumentError("run this algorithm", "the fidelity", "one with a gradient", "IndicatorL2"),
    );
  }

  /** The nearest point of the ball: y + (u - y) min(1, radius / (||u - y|| + 1e-12)); gamma plays no part. */
  override async proxD(u: Tensor, y: Tensor, _gamma: number): Promise<Tensor> {
    using difference = u.sub(y);
    using distance = difference.norm(otherDims(u), { keepDims: true });
    using guarded = distance.add(1e-12);
    using radius = Tensor.full([], this.radius, u);
    using ratio = radius.div(guarded);
    using factor = ratio.minimum(1);
    using inside = difference.mul(factor);
    return await Promise.resolve(inside.add(y));
  }
}
