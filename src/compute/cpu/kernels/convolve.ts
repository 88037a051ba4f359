import { convolvedSize } from "../../convolved_size.ts";
import type { ConvolveKernel } from "../../kernel.ts";

/** A dense convolution layer straight from its definition, summed in float64. */
export function convolve(
  kernel: ConvolveKernel,
  x: Float32Array,
  weights: Float32Array,
  output: Float32Array,
): void {
  const { batch, inChannels, outChannels, height, width, kernelHeight, kernelWidth, groups } = kernel;
  const { stride, padding, transposed } = kernel;
  const [outHeight, outWidth] = convolvedSize(kernel);
  const inGroup = inChannels / groups, outGroup = outChannels / groups;
  const plane = new Float64Array(outHeight * outWidth);
  for (let item = 0; item < batch; item++) {
    for (let o = 0; o < outChannels; o++) {
      plane.fill(0);
      const group = Math.floor(o / outGroup);
      for (let c = group * inGroup; c < (group + 1) * inGroup; c++) {
        const filter = transposed ? c * outGroup + (o % outGroup) : o * inGroup + (c % inGroup);
        const from = (item * inChannels + c) * height * width;
        for (let u = 0; u < kernelHeight; u++) {
          for (let v = 0; v < kernelWidth; v++) {
            const weight = weights[(filter * kernelHeight + u) * kernelWidth + v];
            if (transposed) scatterTap(weight, u - padding, v - padding, from);
            else gatherTap(weight, u - padding, v - padding, from);
          }
        }
      }
      output.set(plane, (item * outChannels + o) * outHeight * outWidth);
    }
  }

  /** plane[i, j] += weight * x[i stride + du, j stride + dv], where that lies inside. */
  function gatherTap(weight: number, du: number, dv: number, from: number): void {
    for (let i = 0; i < outHeight; i++) {
      const y = i * stride + du;
      if (y < 0 || y >= height) continue;
      for (let j = 0; j < outWidth; j++) {
        const z = j * stride + dv;
        if (z >= 0 && z < width) plane[i * outWidth + j] += weight * x[from + y * width + z];
      }
    }
  }

  /** plane[y stride + du, z stride + dv] += weight * x[y, z], where that lies inside. */
  function scatterTap(weight: number, du: number, dv: number, from: number): void {
    for (let y = 0; y < height; y++) {
      const i = y * stride + du;
      if (i < 0 || i >= outHeight) continue;
      for (let z = 0; z < width; z++) {
        const j = z * stride + dv;
        if (j >= 0 && j < outWidth) plane[i * outWidth + j] += weight * x[from + y * width + z];
      }
    }
  }
}
