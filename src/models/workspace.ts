import type { ConvEngine, ConvLayer, FeatureMap } from "../compute/conv_engine.ts";

/** The feature maps of one pass through a network. Those that are still held at its end, or at an error, are released. */
export class Workspace implements Disposable {
  readonly #engine: ConvEngine;
  readonly #held = new Set<FeatureMap>();

  /** With no maps yet. */
  constructor(engine: ConvEngine) {
    this.#engine = engine;
  }

  /** A map with undefined values. */
  allocate(channels: number, height: number, width: number): FeatureMap {
    const map = this.#engine.allocate(channels, height, width);
    this.#held.add(map);
    return map;
  }

  /** A new map: the layer's output, by default of the input's height and width. */
  apply(layer: ConvLayer, input: FeatureMap, height = input.height, width = input.width): FeatureMap {
    const output = this.allocate(layer.spec.outChannels, height, width);
    this.#engine.apply(layer, input, output, []);
    return output;
  }

  /** Gives a map back before the end. */
  release(map: FeatureMap): void {
    this.#held.delete(map);
    this.#engine.release(map);
  }

  /** Gives back what is still held. */
  [Symbol.dispose](): void {
    for (const map of this.#held) this.#engine.release(map);
    this.#held.clear();
  }
}
