import type { DeviceBuffer } from "./device.ts";

/**
 * One image's activations inside a network: `channels` planes of `height` x `width` values in the layout that suits the
 * device (padded, channels interleaved, in textures, ...). Outside the image every plane reads as zero.
 */
export interface FeatureMap {
  /** Number of planes. */
  readonly channels: number;
  /** Rows of a plane. */
  readonly height: number;
  /** Columns of a plane. */
  readonly width: number;
}

/** What a convolution layer does; cross-correlation with zero padding, as in PyTorch. */
export interface ConvSpec {
  /**
   * - `conv3x3`: stride 1, padding 1, weights (out, in, 3, 3), same size.
   * - `down2x2`: stride 2, no padding, weights (out, in, 2, 2), half the size (even sizes only).
   * - `up2x2`: transposed, stride 2, weights (in, out, 2, 2), twice the size.
   */
  readonly op: "conv3x3" | "down2x2" | "up2x2";
  /** Planes that go in. */
  readonly inChannels: number;
  /** Planes that come out. */
  readonly outChannels: number;
  /** Whether a value per output channel is added. */
  readonly bias: boolean;
  /** Applied after the bias and before the addends. */
  readonly activation: "none" | "relu";
  /** How many further feature maps (of the output's shape) are added to the result: a residual, a skip connection. */
  readonly addends: 0 | 1 | 2;
}

/** A layer with its weights, made by {@link ConvEngine.prepare}. Opaque. */
export interface ConvLayer {
  /** What it was prepared for. */
  readonly spec: ConvSpec;
}

/**
 * Convolutional networks on one device. Feature maps hold one image each; sizes may be anything from 1 x 1 up, also
 * odd, and channel counts anything from 1 up. Work is queued in the same order as the device's kernels.
 */
export interface ConvEngine {
  /**
   * A feature map, contents undefined inside the image and zero outside.
   *
   * @throws {OutOfMemoryError} when the device's memory budget would be exceeded
   */
  allocate(channels: number, height: number, width: number): FeatureMap;

  /** Bytes that a feature map of this shape takes, borders and padding included. */
  mapBytes(channels: number, height: number, width: number): number;

  /** Bytes that the engine itself takes for a moment while it applies a layer, whose output is of this height and width, and one of its addends or not. */
  scratchBytes(spec: ConvSpec, height: number, width: number, inPlace: boolean): number;

  /** Gives a feature map back to the pool. Does nothing once the device is closed. */
  release(map: FeatureMap): void;

  /** Fills `map` from the planes (channels, height, width) that start at value `offset` of `source`. */
  pack(source: DeviceBuffer, offset: number, map: FeatureMap): void;

  /** Writes `map` as planes (channels, height, width) from value `offset` of `target` on. */
  unpack(map: FeatureMap, target: DeviceBuffer, offset: number): void;

  /** Builds a layer: rearranges the weights (row-major, shapes of {@link ConvSpec.op}) once and compiles what it needs. */
  prepare(spec: ConvSpec, weights: Float32Array, bias?: Float32Array): ConvLayer;

  /** Frees a layer's weights. Does nothing once the device is closed. */
  discard(layer: ConvLayer): void;

  /** output = activation(layer(input) + bias) + addends. `output` may be one of `addends`, never `input`. */
  apply(layer: ConvLayer, input: FeatureMap, output: FeatureMap, addends: readonly FeatureMap[]): void;
}
