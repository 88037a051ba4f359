import type { ConvSpec } from "../../compute/conv_engine.ts";
import { type ConvGeometry, geometryOf, outputSize, type Pair } from "../../compute/conv_geometry.ts";
import { applyToPlanes } from "../../compute/conv_planes.ts";
import type { Device } from "../../compute/device.ts";
import type { ConvolveKernel } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, type DeviceArray, filledArray, numelOf, stridesOf } from "../array.ts";
import { full } from "./elementwise.ts";
import { writeSlice } from "./join.ts";
import { slice } from "./layout.ts";

/** Where the taps of a convolution layer lie, as in PyTorch's `conv2d` and `conv_transpose2d`. */
export interface ConvolutionPlaces {
  /** Step between outputs (or between inserted inputs when transposed), or one for rows and one for columns; default 1. */
  stride?: Pair;
  /**
   * Zeros assumed around the input (samples cut off around the output when transposed); default 0. `"valid"`: none;
   * `"same"`: as many as keep the size at a stride of 1, one more below and to the right where they are odd in number.
   */
  padding?: Pair | "same" | "valid";
  /** Distance of neighbouring taps; default 1. */
  dilation?: Pair;
  /** Channels are split into this many independent groups; default 1. */
  groups?: number;
  /** Transposed only: samples added below and to the right, less than the stride or the dilation; default 0. */
  outputPadding?: Pair;
}

/**
 * A 2-D convolution layer (cross-correlation, as in PyTorch) or its transpose, perhaps + bias, by the device's
 * convolution engine; filters of single channels as correlations, and other groups of so few from the definition.
 *
 * @param weights (O, C / groups, h, w), transposed (C, O / groups, h, w)
 * @param bias (O,)
 * @throws {InvalidArgumentError} when shapes and places do not fit together
 */
export function convolve(
  x: DeviceArray,
  weights: DeviceArray,
  bias: DeviceArray | undefined,
  transposed: boolean,
  places: ConvolutionPlaces,
): DeviceArray {
  const action = transposed ? "convTranspose2d" : "conv2d";
  const device = commonDevice(action, bias ? [x, weights, bias] : [x, weights]);
  const channels = requireChannels(action, x, weights, bias, transposed, places.groups ?? 1);
  const { geometry, excess } = resolvePlaces(action, weights, transposed, places);
  const [batch, , height, width] = x.shape;
  const size = outputSize(geometry, height, width);
  if (size[0] - excess[0] < 1 || size[1] - excess[1] < 1) {
    throw new InvalidArgumentError(
      action,
      "the weights",
      transposed ? "larger than the padding that is cut off" : "no larger than the padded input",
      `${formatShape(weights.shape)} for x ${formatShape(x.shape)}`,
    );
  }
  const layer: Layer = { ...channels, geometry, x, weights, bias };
  const out = filledArray(device, [batch, channels.outChannels, ...size], (target) => {
    if (isDepthwise(layer)) correlateDepthwise(device, layer, target);
    else if (isForEngine(device, layer)) return convolveByEngine(device, layer, target);
    else convolveDirectly(device, layer, target);
    if (bias) addBias(device, bias, target);
  });
  if (excess[0] + excess[1] === 0) return out;
  try {
    return slice(out, [null, null, [excess[0], null], [excess[1], null]]);
  } finally {
    out.storage.release();
  }
}

/** A layer and what it is applied to. */
interface Layer {
  readonly geometry: ConvGeometry;
  readonly groups: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly x: DeviceArray;
  readonly weights: DeviceArray;
  readonly bias: DeviceArray | undefined;
}

function requireChannels(
  action: string,
  x: DeviceArray,
  weights: DeviceArray,
  bias: DeviceArray | undefined,
  transposed: boolean,
  groups: number,
): Pick<Layer, "groups" | "inChannels" | "outChannels"> {
  if (!Number.isSafeInteger(groups) || groups < 1) {
    throw new InvalidArgumentError(action, "groups", "a whole number >= 1", String(groups));
  }
  const inChannels = x.shape[1];
  const [first, second] = weights.shape;
  const outChannels = transposed ? second * groups : first;
  const fits = x.shape.length === 4 && weights.shape.length === 4 && inChannels % groups === 0 &&
    outChannels % groups === 0 && (transposed ? first === inChannels : second === inChannels / groups);
  if (!fits) {
    const shape = transposed ? "(C, O/groups, h, w)" : "(O, C/groups, h, w)";
    throw new InvalidArgumentError(
      action,
      "the weights",
      `of shape ${shape} with ${groups} groups, for x (B, C, H, W) = ${formatShape(x.shape)}`,
      formatShape(weights.shape),
    );
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outChannels)) {
    throw new InvalidArgumentError(
      action,
      "bias",
      `of shape ${formatShape([outChannels])}`,
      formatShape(bias.shape),
    );
  }
  return { groups, inChannels, outChannels };
}

/** All places spelled out; `excess`: rows and columns to cut off above and to the left, where "same" is odd. */
function resolvePlaces(
  action: string,
  weights: DeviceArray,
  transposed: boolean,
  { stride = 1, padding = 0, dilation = 1, outputPadding = 0 }: ConvolutionPlaces,
): { geometry: ConvGeometry; excess: readonly [number, number] } {
  const kernel = [weights.shape[2], weights.shape[3]] as const;
  const places = { kernel, stride, dilation, outputPadding, transposed };
  if (typeof padding !== "string") {
    return { geometry: geometryOf({ ...places, padding }, action), excess: [0, 0] };
  }
  const geometry = geometryOf({ ...places, padding: 0 }, action);
  if (padding === "valid" && !transposed) return { geometry, excess: [0, 0] };
  if (padding !== "same" || transposed || geometry.stride.some((step) => step > 1)) {
    const requirement = transposed
      ? "numbers for a transposed layer"
      : 'numbers, "valid", or, where the stride is 1, "same"';
    throw new InvalidArgumentError(action, "padding", requirement, `"${padding}", stride ${stride}`);
  }
  const reach = [0, 1].map((axis) => geometry.dilation[axis] * (kernel[axis] - 1));
  return {
    geometry: { ...geometry, padding: [Math.ceil(reach[0] / 2), Math.ceil(reach[1] / 2)] },
    excess: [reach[0] % 2, reach[1] % 2],
  };
}

/** The layer of one group, as the engine takes it. */
function specOf({ geometry, groups, inChannels, outChannels, bias }: Layer): ConvSpec {
  return {
    ...geometry,
    inChannels: inChannels / groups,
    outChannels: outChannels / groups,
    bias: bias !== undefined,
    activation: "none",
    addends: 0,
  };
}

/** Channels of a group from which on the engine is the faster way, though it pads them to four. */
const SIDE_BY_SIDE = 2;

function isForEngine(device: Device, layer: Layer): boolean {
  const { x, groups, inChannels, outChannels } = layer;
  if (x.shape.includes(0) || outChannels === 0) return false;
  const few = Math.min(inChannels, outChannels) / groups < SIDE_BY_SIDE;
  return !(groups > 1 && few) && device.conv.supports(specOf(layer), x.shape[2], x.shape[3]);
}

/** Group after group, image after image. */
function convolveByEngine({ conv }: Device, layer: Layer, out: DeviceArray): void {
  const { x, weights, bias, groups } = layer;
  const spec = specOf(layer);
  const [batch, , height, width] = x.shape;
  const inPlanes = spec.inChannels * height * width,
    outPlanes = spec.outChannels * out.shape[2] * out.shape[3];
  const count = numelOf(weights.shape) / groups;
  for (let group = 0; group < groups; group++) {
    const prepared = conv.prepareFrom(
      spec,
      { buffer: weights.storage.buffer, offset: group * count },
      bias && { buffer: bias.storage.buffer, offset: group * spec.outChannels },
    );
    try {
      for (let item = 0; item < batch; item++) {
        const part = item * groups + group;
        const from = { buffer: x.storage.buffer, offset: part * inPlanes };
        const to = { buffer: out.storage.buffer, offset: part * outPlanes };
        applyToPlanes(conv, prepared, from, height, width, to);
      }
    } finally {
      conv.discard(prepared);
    }
  }
}

/** Whether every channel has a filter of its own, moved by single samples. */
function isDepthwise({ geometry, groups, inChannels, outChannels, x }: Layer): boolean {
  const { stride, dilation, transposed } = geometry;
  return !transposed && !x.shape.includes(0) && groups === inChannels && groups === outChannels &&
    [...stride, ...dilation].every((step) => step === 1);
}

/** A correlation of x with zeros around it. */
function correlateDepthwise(device: Device, { geometry, x, weights }: Layer, out: DeviceArray): void {
  const [batch, channels, height, width] = x.shape;
  const { padding, kernel: [filterHeight, filterWidth] } = geometry;
  const padded = full(device, [batch, channels, height + 2 * padding[0], width + 2 * padding[1]], 0);
  try {
    writeSlice(padded, x, [0, 0, padding[0], padding[1]]);
    const sizes = { batch, channels, height: padded.shape[2], width: padded.shape[3] };
    const filter = { filterBatch: 1, filterChannels: channels, filterHeight, filterWidth, flip: false };
    device.run(
      { kind: "correlate", ...sizes, ...filter },
      [padded.storage.buffer, weights.storage.buffer],
      out.storage.buffer,
    );
  } finally {
    padded.storage.release();
  }
}

/** One kernel. */
function convolveDirectly(device: Device, layer: Layer, out: DeviceArray): void {
  const { geometry, groups, inChannels, outChannels, x, weights } = layer;
  const { kernel: [kernelHeight, kernelWidth], ...places } = geometry;
  const [batch, , height, width] = x.shape;
  const sizes = { batch, inChannels, outChannels, height, width, kernelHeight, kernelWidth, groups };
  const kernel: ConvolveKernel = { kind: "convolve", ...sizes, ...places };
  device.run(kernel, [x.storage.buffer, weights.storage.buffer], out.storage.buffer);
}

/** out += bias, in place. */
function addBias(device: Device, bias: DeviceArray, out: DeviceArray): void {
  const view = { offset: 0, strides: stridesOf(out.shape) };
  device.run(
    {
      kind: "map",
      fn: "add",
      shape: out.shape,
      inputs: [view, { offset: 0, strides: [0, 1, 0, 0] }],
      output: view,
      scalars: [0, 0],
    },
    [out.storage.buffer, bias.storage.buffer],
    out.storage.buffer,
  );
}
