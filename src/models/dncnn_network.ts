import type { ConvEngine, ConvLayer, FeatureMap } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { HostParameter } from "./state_dict.ts";
import { Workspace } from "./workspace.ts";

/** A DnCNN's layers on one device: x + conv(relu(conv(... relu(conv(x))))). */
export class DnCNNNetwork implements Disposable {
  readonly #engine: ConvEngine;
  readonly #layers: ConvLayer[] = [];

  /** @param weights every key of the network's layout, first layer first; the layers' names in that order */
  constructor(engine: ConvEngine, names: readonly string[], weights: ReadonlyMap<string, HostParameter>) {
    this.#engine = engine;
    try {
      for (const [k, name] of names.entries()) {
        const { shape: [outChannels, inChannels], data } = weights.get(`${name}.weight`)!;
        const bias = weights.get(`${name}.bias`)?.data;
        const last = k === names.length - 1;
        const spec = {
          op: "conv3x3",
          inChannels,
          outChannels,
          bias: bias !== undefined,
          activation: last ? "none" : "relu",
          addends: last ? 1 : 0,
        } as const;
        this.#layers.push(engine.prepare(spec, data, bias));
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The network on images (B, C, H, W), one after the other. */
  forward(input: Tensor): Tensor {
    const [batch, channels, height, width] = input.shape;
    const output = Tensor.empty(input.shape, input);
    try {
      for (let item = 0; item < batch; item++) {
        using maps = new Workspace(this.#engine);
        const at = item * channels * height * width;
        const image = maps.allocate(channels, height, width);
        this.#engine.pack(input.array.storage.buffer, at, image);
        this.#engine.unpack(this.#forwardOne(maps, image), output.array.storage.buffer, at);
      }
      return output;
    } catch (error) {
      output.dispose();
      throw error;
    }
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#layers.splice(0).forEach((layer) => this.#engine.discard(layer));
  }

  #forwardOne(maps: Workspace, image: FeatureMap): FeatureMap {
    const last = this.#layers.at(-1)!;
    let x = image;
    for (const layer of this.#layers.slice(0, -1)) {
      const next = maps.apply(layer, x);
      if (x !== image) maps.release(x);
      x = next;
    }
    const result = maps.allocate(last.spec.outChannels, image.height, image.width);
    this.#engine.apply(last, x, result, [image]);
    return result;
  }
}
