import { Tensor } from "../tensor/tensor.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import { GaussianNoise } from "./noise.ts";
import type { PhysicsOptions } from "./physics.ts";

/**
 * The identity: measurements are noisy images. The noise is `GaussianNoise({ sigma: 0.1 })` unless another, or `null`, is given.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, GaussianNoise, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Denoising({ noiseModel: new GaussianNoise({ sigma: 0.2, seed: 1 }) });
 * const x = Tensor.full([1, 1, 64, 64], 0.5);
 * const y = await physics.forward(x);
 * assert.ok(Math.abs(await y.sub(x).square().mean().item() - 0.2 ** 2) < 2e-3);
 *
 * const between = await physics.prox_l2(x, y, 3); // (x + 3 y) / 4
 * assert.ok(await between.sub(x.add(y.mul(3)).div(4)).abs().max().item() < 1e-6);
 * ```
 */
export class Denoising extends DecomposablePhysics {
  #one: Tensor | undefined;

  /** Builds the operator. */
  constructor(options: PhysicsOptions = {}) {
    const { noiseModel = new GaussianNoise({ sigma: 0.1 }) } = options;
    super({ ...options, noiseModel });
  }

  /** The singular values, of a shape that broadcasts against the spectrum. */
  protected override singularValues(spectrum: Tensor): Tensor {
    if (this.#one?.device !== spectrum.device) this.#one = Tensor.ones([1], spectrum);
    return this.#one;
  }
}
