import { convolvedSize } from "../../compute/convolved_size.ts";
import type { ConvolveKernel } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, computedArray, type DeviceArray } from "../array.ts";

/** Options of a dense convolution layer. */
export interface ConvolutionOptions {
  /** Step between outputs (or between inserted inputs when transposed); default 1. */
  stride?: number;
  /** Zeros assumed around the input; default 0. */
  padding?: number;
  /** Channels are split into this many independent groups; default 1. */
  groups?: number;
}

/**
 * A dense 2-D convolution layer (cross-correlation, as in PyTorch), or its transpose.
 *
 * @throws {InvalidArgumentError} when shapes, stride, padding or groups do not fit together
 */
export function convolve(
  x: DeviceArray,
  weights: DeviceArray,
  transposed: boolean,
  { stride = 1, padding = 0, groups = 1 }: ConvolutionOptions,
): DeviceArray {
  const action = transposed ? "convTranspose2d" : "conv2d";
  const device = commonDevice(action, [x, weights]);
  const [batch, inChannels, height, width] = x.shape;
  const [first, second, kernelHeight, kernelWidth] = weights.shape;
  const outChannels = transposed ? second * groups : first;
  const matches = x.shape.length === 4 && weights.shape.length === 4 && Number.isInteger(groups) &&
    groups >= 1 && inChannels % groups === 0 && outChannels % groups === 0 &&
    (transposed ? first === inChannels : second === inChannels / groups);
  if (!matches) {
    throw new InvalidArgumentError(
      action,
      "the weights",
      `of shape ${
        transposed ? "(C, O/groups, h, w)" : "(O, C/groups, h, w)"
      } with ${groups} groups, for x (B, C, H, W) = ${formatShape(x.shape)}`,
      formatShape(weights.shape),
    );
  }
  if (!Number.isInteger(stride) || stride < 1 || !Number.isInteger(padding) || padding < 0) {
    throw new InvalidArgumentError(
      action,
      "stride and padding",
      "whole numbers >= 1 and >= 0",
      `${stride} and ${padding}`,
    );
  }
  const kernel: ConvolveKernel = {
    kind: "convolve",
    batch,
    inChannels,
    outChannels,
    height,
    width,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
    groups,
    transposed,
  };
  const [outHeight, outWidth] = convolvedSize(kernel);
  if (outHeight < 1 || outWidth < 1) {
    throw new InvalidArgumentError(
      action,
      "the weights",
      transposed ? "larger than the padding that is cut off" : "no larger than the padded input",
      formatShape(weights.shape),
    );
  }
  return computedArray(device, [batch, outChannels, outHeight, outWidth], kernel, [x, weights]);
}
