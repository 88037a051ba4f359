import { dotPerItem, otherDims, perItem, requireSameShape } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { LinearPhysics } from "./linear_physics.ts";
import type { LeastSquaresOptions } from "./physics.ts";

/** Options of the spectral method; `tol` is the relative change at which all items count as settled, default 1e-5. */
export interface SpectralOptions extends LeastSquaresOptions {
  /** Of the random start; default 0. */
  seed?: number;
  /** Added to the matrix, so that the eigenvalue sought is the largest in modulus; default 10. */
  lamb?: number;
}

/** Where the weights 1 - 1/y end. */
const LEAST_WEIGHT = -5;

/**
 * The spectral initialisation of phase retrieval (Mondelli and Montanari, 2019): the eigenvector of the largest
 * eigenvalue of B^H diag(max(1 - 1/y, -5)) B + lamb I, with y divided by its mean, by power iterations; its norm is
 * sqrt(sum y). Every item is found on its own, up to a global phase.
 *
 * @param y intensities with a complex dimension of extent 1, (B, 1, ...)
 * @param start (B, 2, H, W), left alone
 * @throws {InvalidArgumentError} when the start is not of the images' shape
 */
export async function spectralMethod(
  B: LinearPhysics<Tensor>,
  y: Tensor,
  start: Tensor,
  { maxIter = 50, tol = 1e-5, lamb = 10 }: SpectralOptions,
): Promise<Tensor> {
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new InvalidArgumentError(
      "apply the spectral method",
      "maxIter",
      "a whole number >= 0",
      String(maxIter),
    );
  }
  using weights = weightsOf(y);
  let x = unitItems(start);
  try {
    for (let k = 0; k < maxIter; k++) {
      using field = await B.A(x);
      using weighted = field.mul(weights);
      using back = await B.A_adjoint(weighted);
      requireSameShape("apply the spectral method", "init", start, back);
      using sum = back.addScaled(x, lamb);
      const next = unitItems(sum);
      using change = next.sub(x);
      x.dispose();
      x = next;
      using squares = dotPerItem(change, change);
      using largest = squares.max();
      if (await largest.item() < tol ** 2) break;
    }
    using energy = y.sum(otherDims(y));
    using positive = energy.relu();
    using norms = positive.sqrt();
    using shaped = perItem(norms, x);
    return x.mul(shaped);
  } finally {
    x.dispose();
  }
}

/** max(1 - mean(y) / y, -5) per item, without a division by 0. */
function weightsOf(y: Tensor): Tensor {
  using mean = y.mean(otherDims(y), { keepDims: true });
  using dark = mean.equal(0);
  using positive = mean.add(dark);
  using least = positive.mul(1 / (1 - LEAST_WEIGHT));
  using bounded = y.maximum(least);
  using ratio = positive.div(bounded);
  using negated = ratio.neg();
  return negated.add(1);
}

/** Every item divided by its norm. */
function unitItems(x: Tensor): Tensor {
  using norms = x.norm(otherDims(x), { keepDims: true });
  using zero = norms.equal(0);
  using divisors = norms.add(zero);
  return x.div(divisors);
}
