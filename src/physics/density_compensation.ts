import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { checkSampling, openTransform, type VisibilitySampling } from "./visibility_sampling.ts";

/**
 * Weights that even out how densely the visibilities sample the frequencies, by Pipe and Menon's iteration (1999)
 * w <- w / (C w), with C the gridding kernel's interpolation of what it spreads; as torchkbnufft computes them. For
 * `RadioInterferometry`, whose adjoint applies the weights a second time, take their square root as `dataWeight`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { densityCompensation, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const samplesLoc = Tensor.from([[0, 0, 2], [1, 1, 2]]); // two samples at one place, one elsewhere
 * using weights = await densityCompensation({ imgSize: [16, 16], samplesLoc });
 * const [first, second, alone] = await weights.data();
 * assert.ok(Math.abs(first - second) < 1e-5 * alone && Math.abs(2 * first - alone) < 1e-2 * alone);
 * ```
 *
 * @param options.iterations default 10
 * @returns (K,), positive
 * @throws {InvalidArgumentError} for shapes and numbers outside their ranges
 */
export async function densityCompensation(
  options: VisibilitySampling & { iterations?: number },
): Promise<Tensor> {
  const action = "compute density weights";
  checkSampling(action, options);
  const { samplesLoc, iterations = 10 } = options;
  if (!Number.isInteger(iterations) || iterations < 1) {
    throw new InvalidArgumentError(action, "iterations", "a whole number >= 1", String(iterations));
  }
  const transform = await openTransform(action, options);
  let weights = Tensor.ones([1, samplesLoc.shape[1]], samplesLoc);
  for (let k = 0; k < iterations; k++) {
    using previous = weights;
    using density = transform.smooth(previous);
    weights = previous.div(density);
  }
  using own = weights;
  return own.reshape([samplesLoc.shape[1]]);
}
