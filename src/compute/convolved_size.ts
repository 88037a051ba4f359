import type { ConvolveKernel } from "./kernel.ts";

/** Height and width of a convolution layer's output. */
export function convolvedSize(kernel: ConvolveKernel): [height: number, width: number] {
  const along = (size: number, taps: number) =>
    kernel.transposed
      ? (size - 1) * kernel.stride - 2 * kernel.padding + taps
      : Math.floor((size + 2 * kernel.padding - taps) / kernel.stride) + 1;
  return [along(kernel.height, kernel.kernelHeight), along(kernel.width, kernel.kernelWidth)];
}
