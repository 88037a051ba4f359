import { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import { entriesOf, mapEntries, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** The smallest value that is divided by. */
const FLOOR = 1e-6;

/** x A^T(y / max(A x, 1e-6)): the image corrected by what it does not explain. */
export async function corrected(x: Tensor, y: Signal, physics: LinearPhysics): Promise<Tensor> {
  using predicted: Signal = await physics.A(x);
  const data = entriesOf(y);
  using ratio = await mapEntries<Signal>(predicted, (entry, i) => {
    using floored = entry.maximum(FLOOR);
    return Promise.resolve(data[i].div(floored));
  });
  using factor = await physics.A_adjoint(ratio);
  return x.mul(factor);
}

/** numerator / max(sensitivity + weight gradient, 1e-6) */
export function normalised(numerator: Tensor, sensitivity: Tensor, gradient: Tensor, weight: number): Tensor {
  using slope = sensitivity.addScaled(gradient, weight);
  using divisor = slope.maximum(FLOOR);
  return numerator.div(divisor);
}

/** A signal of ones of the same kind and shape. */
export async function onesLike(signal: Signal): Promise<Signal> {
  return await mapEntries<Signal>(signal, (entry) => Promise.resolve(Tensor.ones(entry.shape, entry)));
}

/** @throws {InvalidArgumentError} when the physics is not linear */
export function requireLinear(algorithm: string, physics: Physics): LinearPhysics {
  if (physics instanceof LinearPhysics) return physics;
  throw new InvalidArgumentError(`run ${algorithm}`, "physics", "linear", physics.constructor.name);
}
