import type { ConvEngine } from "../compute/conv_engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { ConvChain } from "./conv_chain.ts";
import { foreignState } from "./foreign_state.ts";
import { type DeviceNetwork, NetworkDenoiser } from "./network_denoiser.ts";
import { dncnnWeights } from "./pretrained.ts";
import { heWeights } from "./random_weights.ts";
import { requireCounts } from "./require_counts.ts";
import { type HostParameter, type ParameterShapes, readStateDict, type StateDict } from "./state_dict.ts";
import { loadWeights, type WeightsSource } from "./weights_source.ts";

/** Options of {@link DnCNN.create}. */
export interface DnCNNOptions {
  /** Channels of the images; by default the weights' own, or 3. */
  inChannels?: number;
  /** Equal to `inChannels`, its default, because the network adds the image to its result. */
  outChannels?: number;
  /** Number of convolutions, >= 2; by default the weights' own, or 20. */
  depth?: number;
  /** Channels between them; by default the weights' own, or 64. */
  nf?: number;
  /** Whether the convolutions have biases; by default as the weights, or true. */
  bias?: boolean;
  /**
   * `"download"` or `"download_lipschitz"` for deepinv's own weights in colour or gray, a file, or a state dict; `null`,
   * the default, draws random weights.
   */
  weights?: WeightsSource;
  /** Of random weights; default 0. */
  seed?: number;
}

/** The size of a DnCNN. */
export type DnCNNConfig = Readonly<Required<Pick<DnCNNOptions, "inChannels" | "depth" | "nf" | "bias">>>;

/**
 * The denoiser of Zhang et al. ("Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising", 2017):
 * 3x3 convolutions with ReLUs between them, whose result is added to the image. It is made for one noise level.
 *
 * @example A small network with random weights
 * ```ts
 * import assert from "node:assert/strict";
 * import { DnCNN, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using denoiser = await DnCNN.create({ inChannels: 1, outChannels: 1, depth: 4, nf: 8, weights: null, seed: 1 });
 * using x = Tensor.randn([2, 1, 16, 16], { seed: 2 }); // any B, H and W
 * using clean = await denoiser.forward(x);
 * assert.deepEqual(clean.shape, x.shape);
 * assert.deepEqual([...denoiser.stateDict().keys()].slice(0, 2), ["in_conv.weight", "in_conv.bias"]);
 * ```
 */
export class DnCNN extends NetworkDenoiser {
  /** The network's size. */
  readonly config: DnCNNConfig;

  private constructor(config: DnCNNConfig, weights: ReadonlyMap<string, HostParameter>) {
    super("DnCNN", parameterShapes(config), weights);
    this.config = config;
  }

  /**
   * Builds a network and loads or draws its weights.
   *
   * @throws {InvalidArgumentError} when a size is out of range or the weights do not fit it
   * @throws {FileError} when the weights' file cannot be read, or has another hash
   * @throws {SafetensorsError} when it is neither a valid safetensors file nor a PyTorch checkpoint
   * @throws {TorchCheckpointError} when it is a PyTorch checkpoint that is refused
   */
  static async create(options: DnCNNOptions = {}): Promise<DnCNN> {
    const { weights, seed = 0, ...sizes } = options;
    const channels = sizes.inChannels ?? 3;
    const state = await loadWeights("DnCNN", weights, dncnnWeights(channels, sizes.outChannels ?? channels));
    const found = state ? sizeOf(state) : { inChannels: 3, depth: 20, nf: 64, bias: true };
    const { inChannels = found.inChannels, depth = found.depth, nf = found.nf, bias = found.bias } = sizes;
    const { outChannels = inChannels } = sizes;
    requireCounts("DnCNN", { inChannels, outChannels, depth, nf }, { depth: 2 });
    if (outChannels !== inChannels) {
      const requirement = `inChannels (${inChannels})`;
      throw new InvalidArgumentError("build DnCNN", "outChannels", requirement, String(outChannels));
    }
    const config = { inChannels, depth, nf, bias };
    const shapes = parameterShapes(config);
    return new DnCNN(
      config,
      state ? await readStateDict("DnCNN", state, shapes) : heWeights(shapes, seed),
    );
  }

  /**
   * The denoised images, of x's shape.
   *
   * @param x (B, inChannels, H, W), nominally in [0, 1], H and W >= 1
   * @param _sigma plays no part
   * @throws {InvalidArgumentError} for other shapes
   */
  override async forward(x: Tensor, _sigma?: number | Tensor): Promise<Tensor> {
    this.requireInput(x, this.config.inChannels);
    return await Promise.resolve(this.networkFor(x).forward(x));
  }

  /** The layers on a device. */
  protected override build(engine: ConvEngine, weights: ReadonlyMap<string, HostParameter>): DeviceNetwork {
    const layers = layerNames(this.config.depth).map((name) => ({
      ...weights.get(`${name}.weight`)!,
      bias: weights.get(`${name}.bias`)?.data,
    }));
    return new ConvChain(engine, layers, { residual: true });
  }
}

function layerNames(depth: number): string[] {
  return ["in_conv", ...Array.from({ length: depth - 2 }, (_, k) => `conv_list.${k}`), "out_conv"];
}

/** The keys and shapes of a DnCNN's parameters in deepinv's order. */
function parameterShapes({ inChannels, depth, nf, bias }: DnCNNConfig): ParameterShapes {
  const shapes = new Map<string, readonly number[]>();
  for (const [k, name] of layerNames(depth).entries()) {
    const [from, to] = [k === 0 ? inChannels : nf, k === depth - 1 ? inChannels : nf];
    shapes.set(`${name}.weight`, [to, from, 3, 3]);
    if (bias) shapes.set(`${name}.bias`, [to]);
  }
  return shapes;
}

/**
 * Reads a network's size off a state dict's keys and shapes.
 *
 * @throws {InvalidArgumentError} when it is not a DnCNN's
 */
function sizeOf(state: StateDict): DnCNNConfig {
  const shape = state.get("in_conv.weight")?.shape;
  if (shape?.length !== 4) {
    throw foreignState("DnCNN", "in_conv.weight, conv_list.0.weight, ...", state);
  }
  let depth = 2;
  while (state.has(`conv_list.${depth - 2}.weight`)) depth++;
  return { inChannels: shape[1], depth, nf: shape[0], bias: state.has("in_conv.bias") };
}
