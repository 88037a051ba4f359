import type { ConvEngine } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type ConvNetLayer, parameterShapes, planLayers, type PlannedStep } from "./conv_net_layout.ts";
import { ConvNetNetwork } from "./conv_net_network.ts";
import { type DeviceNetwork, NetworkDenoiser } from "./network_denoiser.ts";
import { noiseMap } from "./noise_map.ts";
import { uniformWeights } from "./random_weights.ts";
import { requireCounts } from "./require_counts.ts";
import { applyOnMultiples } from "./size_rule.ts";
import { type HostParameter, type ParameterShapes, readStateDict } from "./state_dict.ts";
import { loadWeights, type WeightsSource } from "./weights_source.ts";

/** Options of {@link ConvNet.create}. */
export interface ConvNetOptions {
  /** Channels of the images. */
  inChannels: number;
  /** The network, first layer to last. */
  layers: readonly ConvNetLayer[];
  /** Whether the first layer takes the noise level as a further channel, behind the image's; default false. */
  noiseMap?: boolean;
  /**
   * Sides that the network wants to be multiples of this number: images are continued to the right and below with their
   * border, and the result is cropped to their size; default 1: nothing of the kind.
   */
  sizeMultiple?: number;
  /** What the keys of all parameters begin with: `"model"` for `model.0.weight`; default nothing. */
  prefix?: string;
  /** A file or a state dict; `null`, the default, draws random weights as PyTorch does, with biases of 0. */
  weights?: WeightsSource;
  /** Of random weights; default 0. */
  seed?: number;
}

/** What a {@link ConvNet} consists of. */
interface Plan {
  readonly inChannels: number;
  readonly steps: readonly PlannedStep[];
  readonly shapes: ParameterShapes;
  readonly noiseMap: boolean;
  readonly sizeMultiple: number;
}

/**
 * A convolutional network of one's own: convolutions and transposed ones of any kernel, stride, padding and dilation, with
 * batch norms and activations (ReLU, leaky ReLU, ELU, sigmoid, tanh) folded in, residual blocks, and pixel (un)shuffle, one
 * after the other. Parameters have the keys of `torch.nn.Sequential`, where the convolution, its batch norm and its
 * activation count as a module each, so that a PyTorch model loads by its state dict.
 *
 * @example A small denoiser with a residual block, as `torch.nn.Sequential` would have it
 * ```ts
 * import { ConvNet, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 * import assert from "node:assert/strict";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using network = await ConvNet.create({
 *   inChannels: 1,
 *   layers: [
 *     { type: "conv", outChannels: 8, kernel: 5, padding: 2, activation: "leaky_relu", alpha: 0.2 },
 *     {
 *       type: "residual",
 *       layers: [
 *         { type: "conv", outChannels: 8, kernel: 3, padding: 1, activation: "elu" },
 *         { type: "conv", outChannels: 8, kernel: 3, padding: 1 },
 *       ],
 *     },
 *     { type: "conv", outChannels: 1, kernel: 1 },
 *   ],
 * });
 * using y = await network.forward(Tensor.ones([2, 1, 9, 7]));
 * assert.deepEqual(y.shape, [2, 1, 9, 7]);
 * assert.deepEqual([...network.stateDict().keys()].slice(0, 3), ["0.weight", "0.bias", "2.0.weight"]);
 * ```
 */
export class ConvNet extends NetworkDenoiser {
  readonly #plan: Plan;

  private constructor(plan: Plan, weights: ReadonlyMap<string, HostParameter>) {
    super("ConvNet", plan.shapes, weights);
    this.#plan = plan;
  }

  /**
   * Builds a network and loads or draws its weights.
   *
   * @throws {InvalidArgumentError} when an option is out of range, or layers or weights do not fit together
   * @throws {FileError} when the weights' file cannot be read, or has another hash
   * @throws {SafetensorsError} when it is neither a valid safetensors file nor a PyTorch checkpoint
   * @throws {TorchCheckpointError} when it is a PyTorch checkpoint that is refused
   */
  static async create(options: ConvNetOptions): Promise<ConvNet> {
    const { inChannels, layers, weights, seed = 0, prefix = "", noiseMap = false, sizeMultiple = 1 } =
      options;
    requireCounts("ConvNet", { inChannels, sizeMultiple });
    const { steps } = planLayers(layers, inChannels + Number(noiseMap), prefix && `${prefix}.`);
    const { shapes, ones } = parameterShapes(steps);
    const state = await loadWeights("ConvNet", weights, {});
    return new ConvNet(
      { inChannels, steps, shapes, noiseMap, sizeMultiple },
      state
        ? await readStateDict("ConvNet", state, shapes)
        : uniformWeights(shapes, seed, (key) => Number(ones.has(key))),
    );
  }

  /**
   * What the layers make of the images.
   *
   * @param x (B, inChannels, H, W)
   * @param sigma noise level, for networks with a noise map: a number, one value per item (B,), or a map (B, 1, H, W)
   * @returns (B, C, H', W'), as the layers say
   * @throws {InvalidArgumentError} for other shapes, images too small for a kernel, and for a noise level that is negative
   * or not finite, or missing where it is wanted
   */
  override async forward(x: Tensor, sigma?: number | Tensor): Promise<Tensor> {
    const { inChannels, sizeMultiple } = this.#plan;
    this.requireInput(x, inChannels);
    const network = this.networkFor(x);
    const run = (images: Tensor) => applyOnMultiples(images, sizeMultiple, (whole) => network.forward(whole));
    if (!this.#plan.noiseMap) return await Promise.resolve(run(x));
    using map = noiseMap(x, sigma as number | Tensor);
    using input = Tensor.cat([x, map], 1);
    return run(input);
  }

  /** The layers on a device. */
  protected override build(engine: ConvEngine, weights: ReadonlyMap<string, HostParameter>): DeviceNetwork {
    return new ConvNetNetwork(engine, this.#plan.steps, weights);
  }
}
