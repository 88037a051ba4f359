import type { ConvEngine } from "../compute/conv_engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { freshBatchNorm } from "./batch_norm.ts";
import { type DeviceNetwork, NetworkDenoiser } from "./network_denoiser.ts";
import { uniformWeights } from "./random_weights.ts";
import { requireCounts } from "./require_counts.ts";
import { applyOnMultiples } from "./size_rule.ts";
import { type HostParameter, readStateDict } from "./state_dict.ts";
import { parameterShapes, sizeOf, type UNetConfig } from "./unet_layout.ts";
import { UNetNetwork } from "./unet_network.ts";
import { loadWeights, type WeightsSource } from "./weights_source.ts";

/** Options of {@link UNet.create}. */
export interface UNetOptions {
  /** Channels of the noisy image; by default the weights' own, or 1. */
  inChannels?: number;
  /** Channels of the result; by default the weights' own, or 1. */
  outChannels?: number;
  /** Whether the image is added to the result, where both have as many channels; default true. */
  residual?: boolean;
  /** Whether the first convolution of every pair continues its input periodically; default false. */
  circularPadding?: boolean;
  /** Whether the upward path takes in the downward one's activations of the same size; default true. */
  cat?: boolean;
  /** Whether the convolutions have biases; by default as the weights, or true. */
  bias?: boolean;
  /**
   * Whether a batch norm with its running statistics follows them: none, PyTorch's, or the bias-free one of Mohan et al.
   * (2020); by default as the weights, or true.
   */
  batchNorm?: boolean | "biasfree";
  /** Number of resolutions, 2 to 5; by default the weights' own, or 4. */
  scales?: number;
  /** Channels at the full resolution, which double with every coarser one; by default the weights' own, or 64. */
  nf?: number;
  /** A file or a state dict; `null`, the default, draws random weights. */
  weights?: WeightsSource;
  /** Of random weights; default 0. */
  seed?: number;
}

/**
 * deepinv's U-Net (after Ronneberger, Fischer and Brox, 2015) at evaluation: pairs of 3x3 convolutions with batch norms and
 * ReLUs at halved resolutions, and back up with skip connections. It is made for one noise level. Images whose sides are
 * no multiples of 2^(scales - 1) are continued with their border and cropped.
 *
 * @example A small network with random weights
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, UNet } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using denoiser = await UNet.create({ inChannels: 1, outChannels: 1, scales: 2, nf: 4, weights: null, seed: 1 });
 * using clean = await denoiser.forward(Tensor.zeros([1, 1, 15, 16])); // odd sides, too
 * assert.deepEqual(clean.shape, [1, 1, 15, 16]);
 * ```
 */
export class UNet extends NetworkDenoiser {
  /** The network's size. */
  readonly config: UNetConfig;

  private constructor(config: UNetConfig, weights: ReadonlyMap<string, HostParameter>) {
    super("UNet", parameterShapes(config), weights);
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
  static async create(options: UNetOptions = {}): Promise<UNet> {
    const { weights, seed = 0, ...given } = options;
    const state = await loadWeights("UNet", weights, {});
    const defaults: UNetConfig = {
      inChannels: 1,
      outChannels: 1,
      residual: true,
      circularPadding: false,
      cat: true,
      bias: true,
      batchNorm: true,
      scales: 4,
      nf: 64,
    };
    const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const config: UNetConfig = { ...defaults, ...(state && sizeOf(state)), ...chosen };
    checkConfig(config);
    const shapes = parameterShapes(config);
    return new UNet(
      config,
      state ? await readStateDict("UNet", state, shapes) : uniformWeights(shapes, seed, freshBatchNorm),
    );
  }

  /**
   * The denoised images.
   *
   * @param x (B, inChannels, H, W), H and W >= 1
   * @param _sigma plays no part
   * @returns (B, outChannels, H, W)
   * @throws {InvalidArgumentError} for other shapes
   */
  override async forward(x: Tensor, _sigma?: number | Tensor): Promise<Tensor> {
    this.requireInput(x, this.config.inChannels);
    const network = this.networkFor(x);
    const multiple = 2 ** (this.config.scales - 1);
    return await Promise.resolve(applyOnMultiples(x, multiple, (input) => network.forward(input)));
  }

  /** The layers on a device. */
  protected override build(engine: ConvEngine, weights: ReadonlyMap<string, HostParameter>): DeviceNetwork {
    return new UNetNetwork(engine, this.config, weights);
  }
}

function checkConfig({ inChannels, outChannels, scales, nf, batchNorm }: UNetConfig): void {
  requireCounts("UNet", { inChannels, outChannels, scales, nf }, { scales: 2 });
  if (scales > 5) throw new InvalidArgumentError("build UNet", "scales", "2, 3, 4 or 5", String(scales));
  if (typeof batchNorm !== "boolean" && batchNorm !== "biasfree") {
    throw new InvalidArgumentError("build UNet", "batchNorm", 'a boolean or "biasfree"', String(batchNorm));
  }
}
