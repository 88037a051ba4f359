import type { ConvEngine } from "../compute/conv_engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { batchNormShapes, foldBatchNorm } from "./batch_norm.ts";
import { ConvChain, type ConvWeights } from "./conv_chain.ts";
import { foreignState } from "./foreign_state.ts";
import type { DeviceNetwork } from "./network_denoiser.ts";
import { pixelShuffle, pixelUnshuffle } from "./pixel_shuffle.ts";
import type { HostParameter, ParameterShapes, StateDict } from "./state_dict.ts";

/** What follows the inner convolutions of an FFDNet. */
export type FFDNetNorm = "batch_norm" | "instance_norm" | null;

/** The size of an FFDNet. */
export interface FFDNetConfig {
  /** Channels of the images. */
  readonly imgChannels: number;
  /** Number of convolutions. */
  readonly nConvLayers: number;
  /** Channels between them. */
  readonly nf: number;
  /** Whether the image is added to the result. */
  readonly residualDenoising: boolean;
  /** What follows the inner convolutions. */
  readonly norm: FFDNetNorm;
  /** Whether the last convolution has biases. */
  readonly lastConvBias: boolean;
}

/** PyTorch's default for an instance norm. */
const EPSILON = 1e-5;

/** The keys and shapes of an FFDNet's parameters in deepinv's order. */
export function parameterShapes(config: FFDNetConfig): ParameterShapes {
  const { imgChannels, nConvLayers, nf, norm, lastConvBias } = config;
  const shapes = new Map<string, readonly number[]>();
  for (let k = 0; k < nConvLayers - 1; k++) {
    shapes.set(`blocks.${k}.0.weight`, [nf, k === 0 ? 4 * (imgChannels + 1) : nf, 3, 3]);
    shapes.set(`blocks.${k}.0.bias`, [nf]);
    if (k === 0 || norm !== "batch_norm") continue;
    for (const [key, shape] of batchNormShapes(nf)) shapes.set(`blocks.${k}.1.${key}`, shape);
  }
  shapes.set(`blocks.${nConvLayers - 1}.weight`, [4 * imgChannels, nf, 3, 3]);
  if (lastConvBias) shapes.set(`blocks.${nConvLayers - 1}.bias`, [4 * imgChannels]);
  return shapes;
}

/**
 * Reads a network's size off a state dict's keys and shapes.
 *
 * @throws {InvalidArgumentError} when it is not an FFDNet's
 */
export function sizeOf(
  state: StateDict,
): Pick<FFDNetConfig, "imgChannels" | "nConvLayers" | "nf" | "norm" | "lastConvBias"> {
  const first = state.get("blocks.0.0.weight")?.shape;
  if (first?.length !== 4) {
    throw foreignState("FFDNet", "blocks.0.0.weight, blocks.1.0.weight, ...", state);
  }
  let last = 1;
  while (state.has(`blocks.${last}.0.weight`)) last++;
  return {
    imgChannels: first[1] / 4 - 1,
    nConvLayers: last + 1,
    nf: first[0],
    norm: last === 1 || state.has("blocks.1.1.running_var") ? "batch_norm" : null,
    lastConvBias: state.has(`blocks.${last}.bias`),
  };
}

/** An FFDNet's layers on one device. */
export class FFDNetNetwork implements DeviceNetwork {
  /** The network without what stands between them. */
  readonly #chains: ConvChain[] = [];

  /** Prepares the layers; `weights` holds every key of the network's layout. */
  constructor(
    engine: ConvEngine,
    { nConvLayers, norm }: FFDNetConfig,
    weights: ReadonlyMap<string, HostParameter>,
  ) {
    const plain = (key: string): ConvWeights => ({
      ...weights.get(`${key}.weight`)!,
      bias: weights.get(`${key}.bias`)?.data,
    });
    const inner = Array.from(
      { length: nConvLayers - 2 },
      (_, k) =>
        norm === "batch_norm"
          ? foldBatchNorm(weights, `blocks.${k + 1}.0`, `blocks.${k + 1}.1`, { norm: "standard", bias: true })
          : plain(`blocks.${k + 1}.0`),
    );
    const first = plain("blocks.0.0"), last = plain(`blocks.${nConvLayers - 1}`);
    const parts = norm === "instance_norm"
      ? [[first, ...inner.slice(0, 1)], ...inner.slice(1).map((layer) => [layer]), [last]]
      : [[first, ...inner, last]];
    if (inner.length === 0) parts.splice(0, parts.length, [first, last]);
    try {
      for (const part of parts) this.#chains.push(new ConvChain(engine, part));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The network on images with their noise map as last channel.
   *
   * @param input (B, C + 1, H, W), H and W even
   * @returns (B, C, H, W)
   */
  forward(input: Tensor): Tensor {
    let x = pixelUnshuffle(input);
    for (const [k, chain] of this.#chains.entries()) {
      using previous = x;
      const isLast = k === this.#chains.length - 1;
      if (isLast) {
        using output = chain.forward(previous);
        return pixelShuffle(output);
      }
      using raw = chain.forward(previous);
      x = normalised(raw);
    }
    return x;
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#chains.splice(0).forEach((chain) => chain[Symbol.dispose]());
  }
}

/** relu((x - mean) / sqrt(variance + 1e-5)), with the mean and the variance of every image and channel. */
function normalised(x: Tensor): Tensor {
  using mean = x.mean([2, 3], { keepDims: true });
  using centred = x.sub(mean);
  using squares = centred.square();
  using variance = squares.mean([2, 3], { keepDims: true });
  using raised = variance.add(EPSILON);
  using deviation = raised.sqrt();
  using unit = centred.div(deviation);
  return unit.relu();
}
