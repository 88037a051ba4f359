import { otherDims } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DataFidelity } from "./data_fidelity.ts";

/** What keeps the gradient's quotient finite, as in deepinv. */
const EPSILON = 1e-12;
/** Newton steps of the proximal operator: enough for float32 from its starting point. */
const STEPS = 16;
/** The least value that a logarithm is taken of. */
const TINY = 1e-30;

/**
 * The amplitude loss of intensity measurements u, y >= 0, for phase retrieval: d(u, y) = ||sqrt(u) - sqrt(y)||^2.
 *
 * @example A signal from intensities alone
 * ```ts
 * import assert from "node:assert/strict";
 * import { AmplitudeLoss, GD, openDevice } from "@deepinv/distributed";
 * import { RandomPhaseRetrieval, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new RandomPhaseRetrieval({ m: 320, imgSize: [1, 8, 8], seed: 1 });
 * const y = await physics.A(Tensor.randn([1, 2, 8, 8], { seed: 2 })); // |B x|^2
 * const algorithm = new GD({ dataFidelity: new AmplitudeLoss(), stepsize: 0.4, maxIter: 60 });
 * const init = await physics.A_dagger(y); // the spectral method, from which gradient descent finds the signal
 * const { metrics: { cost: [cost] } } = await algorithm.run(y, physics, { init });
 * assert(cost[0] > 1 && cost[59] < 0.05);
 * ```
 */
export class AmplitudeLoss extends DataFidelity {
  /** ||sqrt(u) - sqrt(y)||^2, shape (B,) */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using left = u.sqrt();
    using right = y.sqrt();
    using difference = left.sub(right);
    return await Promise.resolve(difference.dot(difference, otherDims(u)));
  }

  /** 1 - sqrt(y / (u + 1e-12)) */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using guarded = u.add(EPSILON);
    using ratio = y.div(guarded);
    using root = ratio.sqrt();
    using negative = root.neg();
    return await Promise.resolve(negative.add(1));
  }

  /**
   * s^2 with the largest root s of s^3 + (gamma - u) s - gamma sqrt(y), by Newton's method from
   * sqrt(max(u - gamma, 0)) + (gamma sqrt(y))^(1/3), which is never below it.
   */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    using amplitude = y.sqrt();
    using constant = amplitude.mul(gamma);
    using slope = u.sub(gamma);
    using positive = slope.relu();
    using linear = positive.sqrt();
    using floored = constant.maximum(TINY);
    using logarithm = floored.log();
    using third = logarithm.mul(1 / 3);
    using cubic = third.exp();
    let s = linear.add(cubic);
    for (let k = 0; k < STEPS; k++) {
      using previous = s;
      s = newton(previous, slope, constant);
    }
    using root = s;
    return await Promise.resolve(root.square());
  }
}

/** s - p(s) / p'(s) = (2 s^3 + c) / (3 s^2 - b) for p(s) = s^3 - b s - c, kept >= 0. */
function newton(s: Tensor, b: Tensor, c: Tensor): Tensor {
  using square = s.square();
  using cube = square.mul(s);
  using above = c.addScaled(cube, 2);
  using triple = square.mul(3);
  using below = triple.sub(b);
  using floored = below.maximum(TINY);
  using next = above.div(floored);
  return next.minimum(s);
}
