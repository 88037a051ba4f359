/**
 * Iterates that left the finite numbers.
 *
 * @example Try again with a smaller stepsize
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, DivergenceError, GD, L2, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.ones([1, 1, 8, 8]), init = Tensor.zeros([1, 1, 8, 8]);
 * const failed: string[] = [];
 * for (const stepsize of [1e12, 1]) {
 *   const algorithm = new GD({ dataFidelity: new L2(), stepsize, maxIter: 10 });
 *   try {
 *     const { x } = await algorithm.run(y, new Denoising(), { init });
 *     assert.equal(await x.mean().item(), 1);
 *   } catch (error) {
 *     if (!(error instanceof DivergenceError)) throw error;
 *     failed.push(`${error.algorithm} with ${stepsize}, in iteration ${error.iteration}`);
 *   }
 * }
 * assert.deepEqual(failed, ["GD with 1000000000000, in iteration 2"]);
 * ```
 */
export class DivergenceError extends Error {
  /** `"DivergenceError"`. */
  override readonly name = "DivergenceError";

  /** Says which algorithm, and when. */
  constructor(
    /** The algorithm's name. */
    readonly algorithm: string,
    /** The iteration that produced the values, from 1. */
    readonly iteration: number,
  ) {
    super(
      `Cannot continue ${algorithm}: iteration ${iteration} produced values that are NaN or infinite; try a smaller stepsize`,
    );
  }
}
