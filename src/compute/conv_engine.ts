import type { Pair } from "./conv_geometry.ts";
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

/** What follows a layer's sum, as in PyTorch, also of NaN, which stays, and of infinities: see {@link ConvSpec.alpha}. */
export type ConvActivation = "none" | "relu" | "leaky_relu" | "elu" | "sigmoid" | "tanh";

/**
 * What a convolution layer does: cross-correlation with zero padding, or its transpose, as PyTorch's `Conv2d` and
 * `ConvTranspose2d`. Layers of 3x3 taps with padding 1, of 2x2 with stride 2, and the latter's transpose have algorithms of
 * their own; others sum their taps in blocks of 3x3, or one by one.
 *
 * Where an algorithm combines neighbours (Winograd's: 3x3 and larger), an infinite value or NaN makes NaN of outputs that
 * lie up to three places beside those which it belongs to; elsewhere it meets its own outputs only.
 */
export interface ConvSpec {
  /** Taps along rows and columns, >= 1. */
  readonly kernel: Pair;
  /** Step between outputs; transposed, between inputs on the output's grid; default 1. */
  readonly stride?: Pair;
  /** Zeros around the input; transposed, samples cut off the output's sides; default 0. */
  readonly padding?: Pair;
  /** Distance of neighbouring taps; default 1. */
  readonly dilation?: Pair;
  /** Whether it is the transpose; default false. */
  readonly transposed?: boolean;
  /** Transposed only: samples added below and to the right, less than the stride or the dilation; default 0. */
  readonly outputPadding?: Pair;
  /** Planes that go in. */
  readonly inChannels: number;
  /** Planes that come out. */
  readonly outChannels: number;
  /** Whether a value per output channel is added. */
  readonly bias: boolean;
  /** Applied after the bias and before the addends, unless it is told to be last. */
  readonly activation: ConvActivation;
  /** Whether the activation follows the addends, as in a residual network's blocks; default false. */
  readonly activationLast?: boolean;
  /**
   * Below 0, `leaky_relu` is alpha x (default 0.01) and `elu` is alpha (e^x - 1) (default 1). No part in the others.
   */
  readonly alpha?: number;
  /** How many further feature maps (of the output's shape) are added to the result: a residual, a skip connection. */
  readonly addends: 0 | 1 | 2;
}

/** Values of a device's buffer, from one on. */
export interface BufferPart {
  /** Where they are. */
  readonly buffer: DeviceBuffer;
  /** Which one is the first. */
  readonly offset: number;
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

  /**
   * Builds a layer: rearranges the weights once and compiles what it needs.
   *
   * @param weights row-major (out, in, kernel rows, kernel columns), transposed (in, out, kernel rows, kernel columns)
   * @throws {InvalidArgumentError} when the spec, the weights' length or the bias do not fit together
   */
  prepare(spec: ConvSpec, weights: Float32Array, bias?: Float32Array): ConvLayer;

  /**
   * As {@link prepare}, from weights and a bias on the device, as work that is queued by now leaves them; nothing is read
   * back. What was rearranged is kept for the next call, until the buffers change or are released, and gives way to
   * other memory where the budget asks for it.
   */
  prepareFrom(spec: ConvSpec, weights: BufferPart, bias?: BufferPart): ConvLayer;

  /** Whether the device's limits allow a layer to be prepared, and applied to images of this size. */
  supports(spec: ConvSpec, height: number, width: number): boolean;

  /** Frees a layer's weights. Does nothing once the device is closed. */
  discard(layer: ConvLayer): void;

  /**
   * output = activation(layer(input) + bias) + addends, or activation(layer(input) + bias + addends). `output` may be one of `addends`, never `input`.
   *
   * @throws {InvalidArgumentError} when a shape does not fit
   */
  apply(layer: ConvLayer, input: FeatureMap, output: FeatureMap, addends: readonly FeatureMap[]): void;

  /**
   * A layer without addends from planes (inChannels, height, width) to planes, which are others, where the engine has a
   * shorter way than {@link pack}, {@link apply} and {@link unpack}.
   *
   * @returns whether it has; nothing was done otherwise
   * @throws {InvalidArgumentError} when planes do not fit into the buffers
   */
  applyToPlanes?(
    layer: ConvLayer,
    source: BufferPart,
    height: number,
    width: number,
    target: BufferPart,
  ): boolean;
}
