import { PhaseRetrieval } from "./phase_retrieval.ts";
import { StructuredRandom, type StructuredRandomOptions } from "./structured_random.ts";

/**
 * Intensities of a fast random operator: y = |F D_n ... F D_1 x|^2, with padding or cropping for more or fewer
 * measurements than pixels; see {@link StructuredRandom}. Images (B, 2, H, W), measurements (B, 1, H', W').
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   openDevice,
 *   setDefaultDevice,
 *   StructuredRandomPhaseRetrieval,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const options = { imgSize: [2, 8, 8], outputSize: [2, 16, 16], nLayers: 2, seed: 1 };
 * const physics = new StructuredRandomPhaseRetrieval(options);
 * const x = Tensor.randn([1, 2, 8, 8], { seed: 2 });
 * const y = await physics.A(x); // |B x|^2, four times as many values as pixels
 * assert.deepEqual(y.shape, [1, 1, 16, 16]);
 * const [energy, measured] = [await x.dot(x).item(), await y.sum().item()];
 * assert.ok(Math.abs(energy - measured) < 1e-4 * energy); // B keeps the energy
 * ```
 */
export class StructuredRandomPhaseRetrieval extends PhaseRetrieval {
  /**
   * Draws the diagonals: the same for a seed on every device and rank.
   *
   * @throws {InvalidArgumentError} as {@link StructuredRandom}
   */
  constructor(options: StructuredRandomOptions) {
    const { noiseModel: _, sensor: _sensor, ...rest } = options;
    super({ ...options, B: new StructuredRandom(rest) });
  }

  /** The adjoint of B, which is its inverse where the measurements are as many as the pixels or more. */
  override B_dagger(z: Parameters<PhaseRetrieval["B_dagger"]>[0]): ReturnType<PhaseRetrieval["B_dagger"]> {
    return this.B.A_adjoint(z);
  }
}
