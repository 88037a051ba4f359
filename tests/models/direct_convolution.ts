import { convolveGeometry, outputSize } from "../../src/compute/conv_geometry.ts";
import type { ConvolveKernel } from "../../src/compute/kernel.ts";
import { Tensor } from "../../src/tensor/mod.ts";

/** A layer of one group from its definition, summed in float64 on the cpu device: what networks are held against. */
export function directConvolution(
  x: Tensor,
  weights: Tensor,
  { stride = 1, padding = 0, transposed = false } = {},
): Tensor {
  const [batch, inChannels, height, width] = x.shape;
  const [first, second, kernelHeight, kernelWidth] = weights.shape;
  const outChannels = transposed ? second : first;
  const sizes = { batch, inChannels, outChannels, height, width, kernelHeight, kernelWidth };
  const kernel: ConvolveKernel = { kind: "convolve", ...sizes, stride, padding, groups: 1, transposed };
  const size = outputSize(convolveGeometry(kernel), height, width);
  const out = Tensor.empty([batch, outChannels, ...size], x);
  const buffers = [x, weights].map((tensor) => tensor.array.storage.buffer);
  x.device.run(kernel, buffers, out.array.storage.buffer);
  return out;
}
