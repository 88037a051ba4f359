import type { Tensor } from "../tensor/tensor.ts";
import type { LinearPhysics } from "./linear_physics.ts";

const MAX_ITERATIONS = 100;
/** Relative change of the squared norm at which it counts as found. */
const TOLERANCE = 1e-6;

/**
 * The largest singular value of an operator whose entries are all >= 0. By the theorem of Perron and Frobenius its
 * singular image is >= 0 too, so that the power method from a positive image needs few steps and no random start.
 *
 * @param start a positive image
 * @returns 0 for an operator that is zero
 */
export async function nonnegativeNorm(physics: LinearPhysics<Tensor>, start: Tensor): Promise<number> {
  let x = start.clone();
  let estimate = 0;
  try {
    for (let k = 0; k < MAX_ITERATIONS; k++) {
      using norm = x.norm();
      const length = await norm.item();
      if (length === 0) return 0;
      using unit = x.mul(1 / length);
      x.dispose();
      x = await physics.A_adjoint_A(unit);
      using inner = unit.dot(x);
      const next = await inner.item();
      const settled = Math.abs(next - estimate) <= TOLERANCE * next;
      estimate = next;
      if (settled) break;
    }
    return Math.sqrt(estimate);
  } finally {
    x.dispose();
  }
}
