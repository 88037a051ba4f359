import type { ConvEngine } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import {
  checkConfig,
  DEFAULT_NB,
  DEFAULT_NC,
  type DRUNetConfig,
  parameterShapes,
  sizeOf,
} from "./drunet_layout.ts";
import { DRUNetNetwork } from "./drunet_network.ts";
import { type DeviceNetwork, NetworkDenoiser } from "./network_denoiser.ts";
import { noiseMap } from "./noise_map.ts";
import { drunetWeights } from "./pretrained.ts";
import { uniformWeights } from "./random_weights.ts";
import { applyWithSizeRule } from "./size_rule.ts";
import { type HostParameter, readStateDict } from "./state_dict.ts";
import { loadWeights, type WeightsSource } from "./weights_source.ts";

/** Options of {@link DRUNet.create}. */
export interface DRUNetOptions {
  /** Channels of the noisy image; by default the weights' own, or 3. */
  inChannels?: number;
  /** Channels of the result; by default the weights' own, or 3. */
  outChannels?: number;
  /** Channels of the four levels; by default the weights' own, or (64, 128, 256, 512) for random ones. */
  nc?: readonly [number, number, number, number];
  /** Residual blocks a stage; by default the weights' own, or 4 for random ones. */
  nb?: number;
  /**
   * A built-in name (`"small-color"`), `"download"` for deepinv's own weights in colour or gray, a file, or a state dict;
   * `null`, the default, draws random weights.
   */
  weights?: WeightsSource;
  /** Of random weights; default 0. */
  seed?: number;
}

/**
 * The denoiser of DPIR (Zhang et al., "Plug-and-play image restoration with deep denoiser prior", 2021): a U-Net of
 * residual blocks without biases that takes the noise level as a further input channel. Images of any size, by
 * deepinv's size rule.
 *
 * @example The small trained network that comes along
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, DRUNet, openDevice, psnr, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using denoiser = await DRUNet.create({ weights: "small-color" });
 * const image = deadLeaves({ size: 48, seed: 1 });
 * const noisy = image.add(Tensor.randn(image.shape, { seed: 2 }).mul(0.1));
 * using clean = await denoiser.forward(noisy, 0.1); // noise level in the image's units: a number, (B,) or a map
 * const [before, after] = [await psnr(noisy, image).item(), await psnr(clean, image).item()];
 * assert(after > before + 3); // dB
 * ```
 */
export class DRUNet extends NetworkDenoiser {
  /** The network's size. */
  readonly config: DRUNetConfig;

  private constructor(config: DRUNetConfig, weights: ReadonlyMap<string, HostParameter>) {
    super("DRUNet", parameterShapes(config), weights);
    this.config = config;
  }

  /**
   * Builds a network and loads or draws its weights.
   *
   * @throws {InvalidArgumentError} when a size is not a whole number >= 1, the weights do not fit it, or their name is
   * neither built in nor a file
   * @throws {FileError} when the weights' file cannot be read, or has another hash
   * @throws {SafetensorsError} when it is neither a valid safetensors file nor a PyTorch checkpoint
   * @throws {TorchCheckpointError} when it is a PyTorch checkpoint that is refused
   */
  static async create(options: DRUNetOptions = {}): Promise<DRUNet> {
    const named = drunetWeights(options.inChannels ?? 3, options.outChannels ?? options.inChannels ?? 3);
    const state = await loadWeights("DRUNet", options.weights, named);
    const found = state ? sizeOf(state) : { inChannels: 3, outChannels: 3, nc: DEFAULT_NC, nb: DEFAULT_NB };
    const config = {
      inChannels: options.inChannels ?? found.inChannels,
      outChannels: options.outChannels ?? found.outChannels,
      nc: options.nc ?? found.nc,
      nb: options.nb ?? found.nb,
    };
    checkConfig(config);
    const shapes = parameterShapes(config);
    return new DRUNet(
      config,
      state ? await readStateDict("DRUNet", state, shapes) : uniformWeights(shapes, options.seed ?? 0),
    );
  }

  /**
   * The denoised images.
   *
   * @param x (B, inChannels, H, W), nominally in [0, 1], H and W >= 1
   * @param sigma standard deviation of the noise: a number, one value per item (B,), or a map (B, 1, H, W)
   * @returns (B, outChannels, H, W)
   * @throws {InvalidArgumentError} for other shapes, and for a noise level that is negative or not finite
   */
  override async forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    this.requireInput(x, this.config.inChannels);
    using map = noiseMap(x, sigma);
    using input = Tensor.cat([x, map], 1);
    const network = this.networkFor(x);
    return await Promise.resolve(applyWithSizeRule(input, (tile) => network.forward(tile)));
  }

  /** The layers on a device. */
  protected override build(engine: ConvEngine, weights: ReadonlyMap<string, HostParameter>): DeviceNetwork {
    return new DRUNetNetwork(engine, this.config, weights);
  }
}
