import type { LinearPhysics } from "../physics/linear_physics.ts";
import { entriesOf, type Signal, subtract } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";

const MAX_ITER = 100;
/** Relative change of the dual variable at which the iteration stops. */
const TOLERANCE = 1e-5;
/** The stepsize's share of 1 / ||A||^2: the power method approaches the norm from below. */
const SAFETY = 0.99;

/**
 * argmin_z gamma d(A z) + ||z - x||^2 / 2 by a proximal gradient method on the dual problem:
 *
 *     z = x - A^T u,  v = u + tau A z,  u <- v - tau prox_{gamma d / tau}(v / tau),  tau = 1 / ||A||^2,
 *
 * at most 100 iterations, or until u changes by less than 1e-5.
 *
 * @param proxD (v, weight) -> prox_{weight d}(v) of measurements
 * @param total the sums of numbers over all processes, where each has a part of the measurements
 */
export async function dualProx(
  x: Tensor,
  physics: LinearPhysics,
  gamma: number,
  proxD: (v: Signal, weight: number) => Promise<Signal>,
  total: (values: Float64Array) => Promise<Float64Array> = (values) => Promise.resolve(values),
): Promise<Tensor> {
  const sqnorm = await physics.knownSqnorm(x);
  if (sqnorm === 0) return x.clone();
  const tau = SAFETY / sqnorm;
  using start: Signal = await physics.A(x);
  let u = scaled(start, 0);
  try {
    for (let k = 0; k < MAX_ITER; k++) {
      using z = await primal(x, u, physics);
      using Az: Signal = await physics.A(z);
      using step = scaled(Az, tau);
      using v = sum(u, step);
      using inner = scaled(v, 1 / tau);
      using near = await proxD(inner, gamma / tau);
      using pull = scaled(near, tau);
      using previous = u;
      u = subtract<Signal>(v, pull);
      const [change, size] = await total(await squaresOf(previous, u));
      if (change <= TOLERANCE ** 2 * size) break;
    }
    return await primal(x, u, physics);
  } finally {
    u.dispose();
  }
}

async function primal(x: Tensor, u: Signal, physics: LinearPhysics): Promise<Tensor> {
  using back = await physics.A_adjoint(u);
  return x.sub(back);
}

function scaled(signal: Signal, factor: number): Signal {
  return signal.mul(factor);
}

function sum(a: Signal, b: Signal): Signal {
  using negative = b.mul(-1);
  return subtract<Signal>(a, negative);
}

/** ||next - previous||^2 and ||next||^2 */
async function squaresOf(previous: Signal, next: Signal): Promise<Float64Array> {
  using gap = subtract<Signal>(next, previous);
  return Float64Array.of(await squaredNormOf(gap), await squaredNormOf(next));
}

async function squaredNormOf(signal: Signal): Promise<number> {
  let squares = 0;
  for (const entry of entriesOf(signal)) {
    using length = entry.norm();
    const value = await length.item();
    squares += value * value;
  }
  return squares;
}
