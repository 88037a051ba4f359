import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { geometryOf, outputSize, type Pair } from "../../src/compute/conv_geometry.ts";
import type { Device, DeviceBuffer } from "../../src/compute/device.ts";
import type {
  AxisTable,
  ConvolveKernel,
  CorrelateKernel,
  Kernel,
  MapKernel,
} from "../../src/compute/kernel.ts";

/** Plain float64 definitions of the kernels, and helpers that run a kernel on a device. */

/** Reproducible values in [-1, 1). */
export function randomValues(length: number, seed = 1): Float32Array {
  let state = seed * 2654435761 >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A buffer on `device` that holds `values`. */
export function upload(device: Device, values: Float32Array): DeviceBuffer {
  const buffer = device.allocate(values.length);
  device.write(buffer, values);
  return buffer;
}

/** Runs one kernel on fresh buffers and returns its output, which starts as `initial`. */
export async function runKernel(
  device: Device,
  kernel: Kernel,
  inputs: readonly Float32Array[],
  initial: Float32Array,
): Promise<Float32Array> {
  const sources = inputs.map((values) => upload(device, values));
  const target = upload(device, initial);
  device.run(kernel, sources, target);
  const result = await device.read(target);
  for (const buffer of [...sources, target]) device.release(buffer);
  return result;
}

/** Largest |actual - expected| over the largest |expected|. */
export function relativeError(actual: Float32Array, expected: ArrayLike<number>): number {
  let error = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return actual.length === expected.length ? error / (scale || 1) : Infinity;
}

/** The elementwise kernel by nested loops: walks `shape` and calls `f` with the inputs' values. */
export function mapReference(
  kernel: MapKernel,
  inputs: readonly Float32Array[],
  initial: Float32Array,
  f: (...values: number[]) => number,
): Float32Array {
  const output = initial.slice();
  const index = kernel.shape.map(() => 0);
  const position = ({ offset, strides }: { offset: number; strides: readonly number[] }) =>
    strides.reduce((sum, stride, d) => sum + stride * index[d], offset);
  const walk = (d: number): void => {
    if (d === kernel.shape.length) {
      const values = inputs.map((input, i) => input[position(kernel.inputs[i])]);
      output[position(kernel.output)] = f(...values);
      return;
    }
    for (index[d] = 0; index[d] < kernel.shape[d]; index[d]++) walk(d + 1);
  };
  walk(0);
  return output;
}

/** out[a, o, b] = sum_k weights[k] in[a, indices[k], b]. */
export function axisReference(table: AxisTable, outer: number, inner: number, x: Float32Array): number[] {
  const rows = table.offsets.length - 1;
  const output = new Array<number>(outer * rows * inner).fill(0);
  for (let a = 0; a < outer; a++) {
    for (let o = 0; o < rows; o++) {
      for (let k = table.offsets[o]; k < table.offsets[o + 1]; k++) {
        const weight = table.weights ? table.weights[k] : 1;
        for (let b = 0; b < inner; b++) {
          output[(a * rows + o) * inner + b] += weight *
            x[(a * table.columns + table.indices[k]) * inner + b];
        }
      }
    }
  }
  return output;
}

/** Depthwise correlation by its definition. */
export function correlateReference(kernel: CorrelateKernel, x: Float32Array, h: Float32Array): number[] {
  const { batch, channels, height, width, filterHeight: fh, filterWidth: fw } = kernel;
  const output: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const filter = (kernel.filterBatch > 1 ? n : 0) * kernel.filterChannels +
        (kernel.filterChannels > 1 ? c : 0);
      for (let i = 0; i + fh <= height; i++) {
        for (let j = 0; j + fw <= width; j++) {
          let sum = 0;
          for (let u = 0; u < fh; u++) {
            for (let v = 0; v < fw; v++) {
              const tap = kernel.flip ? (fh - 1 - u) * fw + fw - 1 - v : u * fw + v;
              sum += h[filter * fh * fw + tap] * x[((n * channels + c) * height + i + u) * width + j + v];
            }
          }
          output.push(sum);
        }
      }
    }
  }
  return output;
}

/** A dense convolution layer by its definition, plain or transposed. */
export function convolveReference(
  kernel: ConvolveKernel,
  x: Float32Array,
  weights: Float32Array,
): Float64Array {
  const { batch, inChannels, outChannels, height, width, kernelHeight: kh, kernelWidth: kw } = kernel;
  const { groups, transposed } = kernel;
  const both = (pair: Pair) => typeof pair === "number" ? [pair, pair] : pair;
  const [stride, padding] = [both(kernel.stride), both(kernel.padding)];
  const [dilation, extra] = [both(kernel.dilation ?? 1), both(kernel.outputPadding ?? 0)];
  const size = (length: number, taps: number, axis: number) =>
    transposed
      ? (length - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (taps - 1) + 1 + extra[axis]
      : Math.floor((length + 2 * padding[axis] - dilation[axis] * (taps - 1) - 1) / stride[axis]) + 1;
  const [outHeight, outWidth] = [size(height, kh, 0), size(width, kw, 1)];
  const [inGroup, outGroup] = [inChannels / groups, outChannels / groups];
  const output = new Float64Array(batch * outChannels * outHeight * outWidth);
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const first = Math.floor(o / outGroup) * inGroup;
      for (let c = first; c < first + inGroup; c++) {
        for (let u = 0; u < kh; u++) {
          for (let v = 0; v < kw; v++) {
            const weight = transposed
              ? weights[((c * outGroup + o % outGroup) * kh + u) * kw + v]
              : weights[((o * inGroup + c - first) * kh + u) * kw + v];
            const [rows, columns] = transposed ? [height, width] : [outHeight, outWidth];
            for (let i = 0; i < rows; i++) {
              for (let j = 0; j < columns; j++) {
                const fineRow = i * stride[0] + u * dilation[0] - padding[0];
                const fineColumn = j * stride[1] + v * dilation[1] - padding[1];
                const [inRow, inColumn, outRow, outColumn] = transposed
                  ? [i, j, fineRow, fineColumn]
                  : [fineRow, fineColumn, i, j];
                if (inRow < 0 || inRow >= height || inColumn < 0 || inColumn >= width) continue;
                if (outRow < 0 || outRow >= outHeight || outColumn < 0 || outColumn >= outWidth) continue;
                output[((n * outChannels + o) * outHeight + outRow) * outWidth + outColumn] += weight *
                  x[((n * inChannels + c) * height + inRow) * width + inColumn];
              }
            }
          }
        }
      }
    }
  }
  return output;
}

/** A network layer by its definition: activation(layer(x) + bias) + addends, or the addends first. */
export function layerReference(
  spec: ConvSpec,
  height: number,
  width: number,
  x: Float32Array,
  weights: Float32Array,
  bias: Float32Array | undefined,
  addends: readonly Float32Array[],
): Float64Array {
  const geometry = geometryOf(spec);
  const { kernel: [kh, kw], stride, padding, dilation, transposed } = geometry;
  const { inChannels, outChannels } = spec;
  const [outHeight, outWidth] = outputSize(geometry, height, width);
  const plane = outHeight * outWidth;
  const output = new Float64Array(outChannels * plane);
  const [rows, columns] = transposed ? [height, width] : [outHeight, outWidth];
  for (let o = 0; o < outChannels; o++) {
    for (let c = 0; c < inChannels; c++) {
      for (let tap = 0; tap < kh * kw; tap++) {
        const [u, v] = [Math.floor(tap / kw), tap % kw];
        const weight = weights[(transposed ? c * outChannels + o : o * inChannels + c) * kh * kw + tap];
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const fineRow = i * stride[0] + u * dilation[0] - padding[0];
            const fineColumn = j * stride[1] + v * dilation[1] - padding[1];
            const [inRow, inColumn] = transposed ? [i, j] : [fineRow, fineColumn];
            const [outRow, outColumn] = transposed ? [fineRow, fineColumn] : [i, j];
            if (inRow < 0 || inRow >= height || inColumn < 0 || inColumn >= width) continue;
            if (outRow < 0 || outRow >= outHeight || outColumn < 0 || outColumn >= outWidth) continue;
            output[o * plane + outRow * outWidth + outColumn] += weight *
              x[(c * height + inRow) * width + inColumn];
          }
        }
      }
    }
  }
  const activate = ACTIVATIONS[spec.activation];
  return output.map((value, i) => {
    const sum = value + (bias ? bias[Math.floor(i / plane)] : 0);
    const added = addends.reduce((total, addend) => total + addend[i], 0);
    return spec.activationLast ? activate(sum + added, spec.alpha) : activate(sum, spec.alpha) + added;
  });
}

const ACTIVATIONS: Record<ConvSpec["activation"], (x: number, alpha?: number) => number> = {
  none: (x) => x,
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x, alpha = 0.01) => x < 0 ? alpha * x : x,
  elu: (x, alpha = 1) => x < 0 ? alpha * Math.expm1(x) : x,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: (x) => Math.tanh(x),
};
