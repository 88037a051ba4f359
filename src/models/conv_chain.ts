import type { ConvEngine, ConvLayer, FeatureMap } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { DeviceNetwork } from "./network_denoiser.ts";
import { PreparedLayers } from "./prepared_layers.ts";
import { Workspace } from "./workspace.ts";

/** One convolution that keeps the image's size: weights (outChannels, inChannels, kernel, kernel), kernel odd. */
export interface ConvWeights {
  /** (outChannels, inChannels, kernel, kernel) */
  readonly shape: readonly number[];
  /** Row-major values. */
  readonly data: Float32Array;
  /** One value per output channel. */
  readonly bias?: Float32Array;
}

/** How a {@link ConvChain} ends. */
export interface ConvChainEnd {
  /** Whether the input is added to the result; default false. */
  residual?: boolean;
  /** Whether a ReLU follows the last convolution, too; default false. */
  relu?: boolean;
}

/** Convolutions on one device with ReLUs between them: conv(relu(conv(... relu(conv(x))))), perhaps + x. */
export class ConvChain implements DeviceNetwork {
  readonly #owned: PreparedLayers;
  readonly #layers: readonly ConvLayer[];

  /** Prepares the layers, first to last. */
  constructor(
    engine: ConvEngine,
    weights: readonly ConvWeights[],
    { residual = false, relu = false }: ConvChainEnd = {},
  ) {
    this.#owned = new PreparedLayers(engine);
    this.#layers = this.#owned.during(() =>
      weights.map(({ shape: [outChannels, inChannels, kernel], data, bias }, k) => {
        const last = k === weights.length - 1;
        const activation = last && !relu ? "none" : "relu";
        const addends = last && residual ? 1 : 0;
        return this.#owned.prepare(
          { kernel, padding: kernel >> 1, inChannels, outChannels, activation, addends },
          data,
          bias,
        );
      })
    );
  }

  /** The chain on images (B, C, H, W), one after the other. */
  forward(input: Tensor): Tensor {
    const { engine } = this.#owned;
    const [batch, channels, height, width] = input.shape;
    const { outChannels } = this.#layers.at(-1)!.spec;
    const output = Tensor.empty([batch, outChannels, height, width], input);
    try {
      for (let item = 0; item < batch; item++) {
        using maps = new Workspace(engine);
        const image = maps.allocate(channels, height, width);
        engine.pack(input.array.storage.buffer, item * channels * height * width, image);
        const result = this.#forwardOne(maps, image);
        engine.unpack(result, output.array.storage.buffer, item * outChannels * height * width);
      }
      return output;
    } catch (error) {
      output.dispose();
      throw error;
    }
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }

  #forwardOne(maps: Workspace, image: FeatureMap): FeatureMap {
    const last = this.#layers.at(-1)!;
    let x = image;
    for (const layer of this.#layers.slice(0, -1)) {
      const next = maps.apply(layer, x);
      if (x !== image || last.spec.addends === 0) maps.release(x);
      x = next;
    }
    const result = maps.allocate(last.spec.outChannels, image.height, image.width);
    this.#owned.engine.apply(last, x, result, last.spec.addends === 1 ? [image] : []);
    return result;
  }
}
