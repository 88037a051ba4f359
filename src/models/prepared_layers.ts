import type { ConvEngine, ConvLayer, ConvSpec } from "../compute/conv_engine.ts";

/** The layers that a network has prepared on one device, freed together. */
export class PreparedLayers implements Disposable {
  /** Where they are. */
  readonly engine: ConvEngine;
  readonly #layers: ConvLayer[] = [];

  /** With no layers yet. */
  constructor(engine: ConvEngine) {
    this.engine = engine;
  }

  /**
   * Lets `build` prepare layers.
   *
   * @returns what it returns; when it fails, the layers it had made are freed
   */
  during<T>(build: () => T): T {
    try {
      return build();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** One more layer; by default without activation and addends, with a bias where one is given. */
  prepare(
    spec: Pick<ConvSpec, "kernel" | "inChannels" | "outChannels"> & Partial<ConvSpec>,
    weights: Float32Array,
    bias?: Float32Array,
  ): ConvLayer {
    const full: ConvSpec = { activation: "none", addends: 0, ...spec, bias: bias !== undefined };
    const layer = this.engine.prepare(full, weights, bias);
    this.#layers.push(layer);
    return layer;
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#layers.splice(0).forEach((layer) => this.engine.discard(layer));
  }
}
