import { owned } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Most steps, and the relative change that ends them, as in deepinv. */
const MAX_ITER = 50, TOLERANCE = 1e-3;

/**
 * argmin_z gamma f(z) + ||z - x||^2 / 2 for a smooth f that has no better way: gradient descent with step 1 from x, at
 * most 50 steps, or until ||dz|| < 1e-3 (||z|| + 1e-6), over all values. It converges where gamma f is flat enough: with
 * slopes that change by less than 1 in a unit step.
 *
 * @param grad the gradient of f
 * @returns a new tensor of x's shape
 */
export async function gradientProx(
  x: Tensor,
  gamma: number,
  grad: (z: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  let z = x.clone();
  try {
    for (let k = 0; k < MAX_ITER; k++) {
      using previous = z;
      using slope = owned(await grad(previous), previous);
      z = x.addScaled(slope, -gamma);
      using change = z.sub(previous);
      using moved = change.norm();
      using length = z.norm();
      if (await moved.item() < TOLERANCE * (await length.item() + 1e-6)) break;
    }
    return z;
  } catch (error) {
    z.dispose();
    throw error;
  }
}
