import type { ConvEngine, ConvLayer, FeatureMap } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { DRUNetConfig } from "./drunet_layout.ts";
import type { DeviceNetwork } from "./network_denoiser.ts";
import { PreparedLayers } from "./prepared_layers.ts";
import type { HostParameter } from "./state_dict.ts";
import { Workspace } from "./workspace.ts";

/** x + conv(relu(conv(x))) */
interface ResidualBlock {
  readonly first: ConvLayer;
  /** With one addend, and with a skip connection as a second one. */
  readonly second: ConvLayer;
  readonly joining: boolean;
}

/** A DRUNet's layers on one device: x1 = head, x2 = down1(x1), ..., tail(up1(up2(up3(body(x4) + x4) + x3) + x2) + x1). */
export class DRUNetNetwork implements DeviceNetwork {
  readonly #engine: ConvEngine;
  readonly #config: DRUNetConfig;
  readonly #layers: PreparedLayers;
  readonly #head: ConvLayer;
  readonly #down: readonly { blocks: readonly ResidualBlock[]; sample: ConvLayer }[];
  readonly #body: readonly ResidualBlock[];
  /** Coarsest first. */
  readonly #up: readonly { sample: ConvLayer; blocks: readonly ResidualBlock[] }[];
  readonly #tail: ConvLayer;

  /** Prepares the layers; `weights` holds every key of the network's layout. */
  constructor(engine: ConvEngine, config: DRUNetConfig, weights: ReadonlyMap<string, HostParameter>) {
    this.#engine = engine;
    this.#config = config;
    const { inChannels, outChannels, nc, nb } = config;
    this.#layers = new PreparedLayers(engine);
    const layer = (key: string, spec: Parameters<PreparedLayers["prepare"]>[0]) =>
      this.#layers.prepare(spec, weights.get(`${key}.weight`)!.data);
    const blocks = (stage: string, offset: number, n: number, joinAtEnd: boolean): ResidualBlock[] =>
      Array.from({ length: nb }, (_, k) => {
        const joining = joinAtEnd && k === nb - 1;
        const conv = { kernel: 3, padding: 1, inChannels: n, outChannels: n } as const;
        return {
          first: layer(`${stage}.${k + offset}.res.0`, { ...conv, activation: "relu" }),
          second: layer(`${stage}.${k + offset}.res.2`, { ...conv, addends: joining ? 2 : 1 }),
          joining,
        };
      });
    try {
      this.#head = layer("m_head", { kernel: 3, padding: 1, inChannels: inChannels + 1, outChannels: nc[0] });
      this.#down = [0, 1, 2].map((level) => ({
        blocks: blocks(`m_down${level + 1}`, 0, nc[level], false),
        sample: layer(`m_down${level + 1}.${nb}`, {
          kernel: 2,
          stride: 2,
          inChannels: nc[level],
          outChannels: nc[level + 1],
        }),
      }));
      this.#body = blocks("m_body", 0, nc[3], true);
      this.#up = [2, 1, 0].map((level) => ({
        sample: layer(`m_up${level + 1}.0`, {
          kernel: 2,
          stride: 2,
          transposed: true,
          inChannels: nc[level + 1],
          outChannels: nc[level],
        }),
        blocks: blocks(`m_up${level + 1}`, 1, nc[level], true),
      }));
      this.#tail = layer("m_tail", { kernel: 3, padding: 1, inChannels: nc[0], outChannels });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The network on images with their noise map as last channel.
   *
   * @param input (B, C + 1, H, W), H and W multiples of 8
   * @returns (B, C, H, W)
   * @throws {OutOfMemoryError} when the activations do not fit the device's memory budget
   */
  forward(input: Tensor): Tensor {
    const [batch, channels, height, width] = input.shape;
    const { outChannels } = this.#config;
    const output = Tensor.empty([batch, outChannels, height, width], input);
    const planes = height * width;
    try {
      for (let item = 0; item < batch; item++) {
        using maps = new Workspace(this.#engine);
        const map = maps.allocate(channels, height, width);
        this.#engine.pack(input.array.storage.buffer, item * channels * planes, map);
        const result = this.#forwardOne(maps, map);
        this.#engine.unpack(result, output.array.storage.buffer, item * outChannels * planes);
      }
      return output;
    } catch (error) {
      output.dispose();
      throw error;
    }
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#layers[Symbol.dispose]();
  }

  /** Releases its input. */
  #forwardOne(maps: Workspace, input: FeatureMap): FeatureMap {
    const skips = [maps.apply(this.#head, input)];
    maps.release(input);
    for (const { blocks, sample } of this.#down) {
      const refined = this.#refine(maps, blocks, skips[skips.length - 1]);
      skips.push(maps.apply(sample, refined, refined.height / 2, refined.width / 2));
      maps.release(refined);
    }
    let x = this.#refine(maps, this.#body, skips[3], skips[3]);
    maps.release(skips.pop()!);
    for (const { sample, blocks } of this.#up) {
      const raised = maps.apply(sample, x, x.height * 2, x.width * 2);
      maps.release(x);
      const skip = skips.pop()!;
      x = this.#refine(maps, blocks, raised, skip);
      maps.release(skip);
      maps.release(raised);
    }
    return maps.apply(this.#tail, x);
  }

  /** The residual blocks of a stage; the last one also adds `skip`. Leaves its input alone. */
  #refine(
    maps: Workspace,
    blocks: readonly ResidualBlock[],
    input: FeatureMap,
    skip?: FeatureMap,
  ): FeatureMap {
    const { channels, height, width } = input;
    const result = maps.allocate(channels, height, width);
    const inner = maps.allocate(channels, height, width);
    blocks.forEach(({ first, second, joining }, k) => {
      const x = k === 0 ? input : result;
      this.#engine.apply(first, x, inner, []);
      this.#engine.apply(second, inner, result, joining && skip ? [x, skip] : [x]);
    });
    maps.release(inner);
    return result;
  }
}
