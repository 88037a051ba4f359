import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Philox } from "../util/philox.ts";

/**
 * Standard normal values of x's shape for one iteration: a function of the seed and the iteration alone, so that all ranks
 * draw the same and a run that is resumed goes on with the same.
 */
export function iterationNoise(x: Tensor, seed: number, iteration: number): Tensor {
  const values = new Float32Array(x.numel);
  new Philox(seed, iteration).fillNormal(values);
  return Tensor.from(values, x.shape, x);
}

/** @throws {InvalidArgumentError} when the seed is not a safe integer */
export function requireSeed(action: string, seed: number): void {
  if (Number.isSafeInteger(seed)) return;
  throw new InvalidArgumentError(action, "seed", "a whole number", String(seed));
}
