import { Tensor } from "../tensor/tensor.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import { GaussianNoise } from "./noise.ts";
import type { PhysicsOptions } from "./physics.ts";

/** The identity: measurements are noisy images. The noise is `GaussianNoise({ sigma: 0.1 })` unless another is given. */
export class Denoising extends DecomposablePhysics {
  #one: Tensor | undefined;

  /** Builds the operator. */
  constructor(options: PhysicsOptions = {}) {
    super({ ...options, noiseModel: options.noiseModel ?? new GaussianNoise({ sigma: 0.1 }) });
  }

  /** The singular values, of a shape that broadcasts against the spectrum. */
  protected override singularValues(spectrum: Tensor): Tensor {
    if (this.#one?.device !== spectrum.device) this.#one = Tensor.ones([1], spectrum);
    return this.#one;
  }
}
