import { conjugateGradient } from "../physics/conjugate_gradient.ts";
import type { LinearPhysics } from "../physics/linear_physics.ts";
import { mapEntries, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** sum_i w_i A_i^T A_i z and sum_i w_i A_i^T y_i: new tensors. */
export interface WeightedSystem {
  /** z -> sum_i w_i A_i^T A_i z */
  normal(z: Tensor): Promise<Tensor>;
  /** sum_i w_i A_i^T y_i */
  backprojection(): Promise<Tensor>;
}

/**
 * argmin_z gamma sum_i w_i ||A_i z - y_i||^2 / 2 + ||z - x||^2 / 2: conjugate gradients from x on
 * sum_i w_i A_i^T A_i + I / gamma, at most 50 iterations to 1e-4 as `prox_l2`.
 */
export async function weightedL2Prox(x: Tensor, gamma: number, system: WeightedSystem): Promise<Tensor> {
  if (gamma === 0) return x.clone();
  using backprojection = await system.backprojection();
  using right = backprojection.addScaled(x, 1 / gamma);
  const normal = async (z: Tensor): Promise<Tensor> => {
    using projected = await system.normal(z);
    return projected.addScaled(z, 1 / gamma);
  };
  return await conjugateGradient(normal, right, { init: x, maxIter: 50, tol: 1e-4 });
}

/** The system of a stack, by its `A` and `A_adjoint`. */
export function weightedSystem(
  physics: LinearPhysics,
  y: Signal,
  weights: readonly number[],
): WeightedSystem {
  const back = async (measurements: Signal): Promise<Tensor> => {
    using weighted = await mapEntries<Signal>(
      measurements,
      (entry, i) => Promise.resolve(entry.mul(weights[i])),
    );
    return await physics.A_adjoint(weighted);
  };
  return {
    normal: async (z) => {
      using Az = await physics.A(z);
      return await back(Az);
    },
    backprojection: () => back(y),
  };
}
