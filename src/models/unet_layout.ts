import { batchNormShapes } from "./batch_norm.ts";
import { foreignState } from "./foreign_state.ts";
import type { ParameterShapes, StateDict } from "./state_dict.ts";

/** The size of a U-Net. */
export interface UNetConfig {
  /** Channels of the noisy image. */
  readonly inChannels: number;
  /** Channels of the result. */
  readonly outChannels: number;
  /** Whether the image is added to the result, where both have as many channels. */
  readonly residual: boolean;
  /** Whether the first convolution of every pair continues its input periodically, and not by zeros. */
  readonly circularPadding: boolean;
  /** Whether the upward path takes in the downward one's activations of the same size. */
  readonly cat: boolean;
  /** Whether the convolutions have biases. */
  readonly bias: boolean;
  /** Whether a batch norm follows them: none, PyTorch's, or the bias-free one of Mohan et al. (2020). */
  readonly batchNorm: boolean | "biasfree";
  /** Number of resolutions. */
  readonly scales: number;
  /** Channels at the full resolution; they double with every coarser one. */
  readonly nf: number;
}

/** A convolution's key, and the key of the batch norm behind it, where there is one. */
export interface UNetConv {
  /** `Conv1.0`, `Up2.1`, ... */
  readonly conv: string;
  /** `Conv1.1`, `Up2.2`, ... */
  readonly norm: string | undefined;
}

/** The two convolutions of `Conv{i}` or `Up_conv{i}`. */
export function pairOf(name: string, { batchNorm }: UNetConfig): readonly [UNetConv, UNetConv] {
  if (!batchNorm) return [{ conv: `${name}.0`, norm: undefined }, { conv: `${name}.2`, norm: undefined }];
  return [{ conv: `${name}.0`, norm: `${name}.1` }, { conv: `${name}.3`, norm: `${name}.4` }];
}

/** The convolution of `Up{i}`, behind its upsampling. */
export function raiseOf(name: string, { batchNorm }: UNetConfig): UNetConv {
  return { conv: `${name}.1`, norm: batchNorm ? `${name}.2` : undefined };
}

/** The keys and shapes of a U-Net's parameters in deepinv's order. */
export function parameterShapes(config: UNetConfig): ParameterShapes {
  const { inChannels, outChannels, bias, scales, nf } = config;
  const shapes = new Map<string, readonly number[]>();
  const add = ({ conv, norm }: UNetConv, from: number, to: number) => {
    shapes.set(`${conv}.weight`, [to, from, 3, 3]);
    if (bias) shapes.set(`${conv}.bias`, [to]);
    if (!norm) return;
    for (const [key, shape] of batchNormShapes(to)) shapes.set(`${norm}.${key}`, shape);
  };
  const pair = (name: string, from: number, to: number) => {
    const [first, second] = pairOf(name, config);
    add(first, from, to);
    add(second, to, to);
  };
  const channels = (scale: number) => nf * 2 ** (scale - 1);
  for (let scale = 1; scale <= scales; scale++) {
    pair(`Conv${scale}`, scale === 1 ? inChannels : channels(scale - 1), channels(scale));
  }
  for (let scale = scales; scale >= 2; scale--) {
    add(raiseOf(`Up${scale}`, config), channels(scale), channels(scale - 1));
    pair(`Up_conv${scale}`, channels(scale), channels(scale - 1));
  }
  shapes.set("Conv_1x1.weight", [outChannels, nf, 1, 1]);
  if (bias) shapes.set("Conv_1x1.bias", [outChannels]);
  return shapes;
}

/**
 * Reads a network's size off a state dict's keys and shapes.
 *
 * @throws {InvalidArgumentError} when it is not a U-Net's
 */
export function sizeOf(
  state: StateDict,
): Pick<UNetConfig, "inChannels" | "outChannels" | "bias" | "batchNorm" | "scales" | "nf"> {
  const first = state.get("Conv1.0.weight")?.shape, last = state.get("Conv_1x1.weight")?.shape;
  if (first?.length !== 4 || last?.length !== 4) {
    throw foreignState("UNet", "Conv1.0.weight, Conv1.0.bias, ..., Conv_1x1.weight", state);
  }
  let scales = 1;
  while (state.has(`Conv${scales + 1}.0.weight`)) scales++;
  return {
    inChannels: first[1],
    outChannels: last[0],
    bias: state.has("Conv_1x1.bias"),
    batchNorm: state.has("Conv1.1.running_var"),
    scales,
    nf: first[0],
  };
}
