import type { ConvEngine } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { freshBatchNorm } from "./batch_norm.ts";
import {
  type FFDNetConfig,
  FFDNetNetwork,
  type FFDNetNorm,
  parameterShapes,
  sizeOf,
} from "./ffdnet_network.ts";
import { type DeviceNetwork, NetworkDenoiser } from "./network_denoiser.ts";
import { noiseMap } from "./noise_map.ts";
import { uniformWeights } from "./random_weights.ts";
import { requireCounts } from "./require_counts.ts";
import { applyOnMultiples } from "./size_rule.ts";
import { type HostParameter, readStateDict } from "./state_dict.ts";
import { loadWeights, type WeightsSource } from "./weights_source.ts";

/** Options of {@link FFDNet.create}. */
export interface FFDNetOptions {
  /** Channels of the images; by default the weights' own, or 1. */
  imgChannels?: number;
  /** Number of convolutions, >= 2; by default the weights' own, or 15. */
  nConvLayers?: number;
  /** Channels between them; by default the weights' own, or 64. */
  nf?: number;
  /** Whether the image is added to the result; default false. */
  residualDenoising?: boolean;
  /**
   * What follows the inner convolutions: a batch norm with its running statistics, a norm of every image and channel, or
   * nothing. By default `"batch_norm"`, or `null` where the weights have no batch norm.
   */
  norm?: FFDNetNorm;
  /** Whether the last convolution has biases, as the others have; by default as the weights, or false. */
  lastConvBias?: boolean;
  /** A file or a state dict; `null`, the default, draws random weights. */
  weights?: WeightsSource;
  /** Of random weights; default 0. */
  seed?: number;
}

/**
 * The denoiser of Zhang, Zuo and Zhang ("FFDNet: toward a fast and flexible solution for CNN-based image denoising",
 * 2018): 3x3 convolutions at half the resolution, on the image and its noise map with every 2x2 pixels as channels.
 * Images of odd size are continued with their border and cropped.
 *
 * @example A small network with random weights
 * ```ts
 * import assert from "node:assert/strict";
 * import { FFDNet, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using denoiser = await FFDNet.create({ imgChannels: 1, nConvLayers: 4, nf: 8, weights: null, seed: 1 });
 * using x = Tensor.zeros([1, 1, 15, 16]); // odd sides, too
 * using level = Tensor.full([1, 1, 15, 16], 0.1); // the noise level of every pixel
 * using clean = await denoiser.forward(x, level);
 * assert.deepEqual(clean.shape, [1, 1, 15, 16]);
 * ```
 */
export class FFDNet extends NetworkDenoiser {
  /** The network's size. */
  readonly config: FFDNetConfig;

  private constructor(config: FFDNetConfig, weights: ReadonlyMap<string, HostParameter>) {
    super("FFDNet", parameterShapes(config), weights);
    this.config = config;
  }

  /**
   * Builds a network and loads or draws its weights.
   *
   * @throws {InvalidArgumentError} when an option is out of range or the weights do not fit it
   * @throws {FileError} when the weights' file cannot be read, or has another hash
   * @throws {SafetensorsError} when it is neither a valid safetensors file nor a PyTorch checkpoint
   * @throws {TorchCheckpointError} when it is a PyTorch checkpoint that is refused
   */
  static async create(options: FFDNetOptions = {}): Promise<FFDNet> {
    const { weights, seed = 0, ...given } = options;
    const state = await loadWeights("FFDNet", weights, {});
    const defaults: FFDNetConfig = {
      imgChannels: 1,
      nConvLayers: 15,
      nf: 64,
      residualDenoising: false,
      norm: "batch_norm",
      lastConvBias: false,
    };
    const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const config: FFDNetConfig = { ...defaults, ...(state && sizeOf(state)), ...chosen };
    const { imgChannels, nConvLayers, nf, norm } = config;
    requireCounts("FFDNet", { imgChannels, nConvLayers, nf }, { nConvLayers: 2 });
    if (norm !== null && norm !== "batch_norm" && norm !== "instance_norm") {
      const requirement = '"batch_norm", "instance_norm" or null';
      throw new InvalidArgumentError("build FFDNet", "norm", requirement, String(norm));
    }
    const shapes = parameterShapes(config);
    return new FFDNet(
      config,
      state ? await readStateDict("FFDNet", state, shapes) : uniformWeights(shapes, seed, freshBatchNorm),
    );
  }

  /**
   * The denoised images, of x's shape.
   *
   * @param x (B, imgChannels, H, W), nominally in [0, 1], H and W >= 1
   * @param sigma standard deviation of the noise: a number, one value per item (B,), or a map (B, 1, H, W)
   * @throws {InvalidArgumentError} for other shapes, and for a noise level that is negative or not finite
   */
  override async forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    this.requireInput(x, this.config.imgChannels);
    using map = noiseMap(x, sigma);
    using input = Tensor.cat([x, map], 1);
    const network = this.networkFor(x);
    const output = applyOnMultiples(input, 2, (even) => network.forward(even));
    if (!this.config.residualDenoising) return await Promise.resolve(output);
    using correction = output;
    return correction.add(x);
  }

  /** The layers on a device. */
  protected override build(engine: ConvEngine, weights: ReadonlyMap<string, HostParameter>): DeviceNetwork {
    return new FFDNetNetwork(engine, this.config, weights);
  }
}
