import type { ConvWeights } from "./conv_chain.ts";
import type { HostParameter } from "./state_dict.ts";

/** PyTorch's default, which deepinv keeps. */
const EPSILON = 1e-5;

/** The shapes of a batch norm's parameters and of what it has counted, by the ends of their keys. */
export function batchNormShapes(
  channels: number,
): readonly (readonly [key: string, shape: readonly number[]])[] {
  return [
    ["weight", [channels]],
    ["bias", [channels]],
    ["running_mean", [channels]],
    ["running_var", [channels]],
    ["num_batches_tracked", []],
  ];
}

/** What a batch norm's parameters start with: it changes nothing. */
export function freshBatchNorm(key: string): number {
  return /\.running_var$|\.\d+\.weight$/.test(key) ? 1 : 0;
}

/** Which batch norm follows a convolution, at evaluation. */
export interface BatchNormKind {
  /**
   * - `"standard"`: gain (x - mean) / sqrt(variance + 1e-5) + shift;
   * - `"biasfree"` (Mohan et al., 2020): gain x / (sqrt(variance) + 1e-5), and, with `bias`, the mean and the shift too.
   */
  readonly norm: "standard" | "biasfree";
  /** Whether the network has biases. */
  readonly bias: boolean;
}

/**
 * A convolution with the batch norm behind it folded in: both are linear in every channel.
 *
 * @param transposed whether the weights are (in, out, rows, columns)
 */
export function foldBatchNorm(
  weights: ReadonlyMap<string, HostParameter>,
  conv: string,
  norm: string,
  kind: BatchNormKind,
  transposed = false,
): ConvWeights {
  const { shape, data } = weights.get(`${conv}.weight`)!;
  const bias = weights.get(`${conv}.bias`)?.data;
  const of = (key: string) => weights.get(`${norm}.${key}`)!.data;
  const [gain, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(of);
  const standard = kind.norm === "standard";
  const scale = Array.from(
    gain,
    (value, c) => value / (standard ? Math.sqrt(variance[c] + EPSILON) : Math.sqrt(variance[c]) + EPSILON),
  );
  const perChannel = transposed ? data.length / (shape[0] * shape[1]) : data.length / shape[0];
  return {
    shape,
    data: data.map((value, i) => value * scale[Math.floor(i / perChannel) % scale.length]),
    bias: standard || kind.bias
      ? Float32Array.from(scale, (value, c) => ((bias?.[c] ?? 0) - mean[c]) * value + shift[c])
      : undefined,
  };
}
