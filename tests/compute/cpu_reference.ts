import type { ConvSpec } from "../../src/compute/conv_engine.ts";

/** Direct float64 definitions that the CPU backend's kernels are compared with. */

/** Reproducible values in [-0.5, 0.5). */
export function random(length: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return new Float32Array(length).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

/** The layer's result (outChannels, height', width') before addends. */
export function convolution(
  spec: ConvSpec,
  x: Float32Array,
  height: number,
  width: number,
  weights: Float32Array,
  bias?: Float32Array,
): Float64Array {
  const { op, inChannels, outChannels } = spec;
  const scale = op === "conv3x3" ? 1 : op === "down2x2" ? 0.5 : 2;
  const [outHeight, outWidth] = [height * scale, width * scale];
  const size = op === "conv3x3" ? 3 : 2;
  const out = new Float64Array(outChannels * outHeight * outWidth);
  const at = (c: number, i: number, j: number) =>
    i < 0 || j < 0 || i >= height || j >= width ? 0 : x[(c * height + i) * width + j];
  for (let o = 0, n = 0; o < outChannels; o++) {
    for (let i = 0; i < outHeight; i++) {
      for (let j = 0; j < outWidth; j++, n++) {
        let sum = bias?.[o] ?? 0;
        for (let c = 0; c < inChannels; c++) {
          if (op === "up2x2") {
            const tap = ((c * outChannels + o) * 2 + i % 2) * 2 + j % 2;
            sum += at(c, i >> 1, j >> 1) * weights[tap];
            continue;
          }
          for (let u = 0; u < size; u++) {
            for (let v = 0; v < size; v++) {
              const value = op === "conv3x3" ? at(c, i + u - 1, j + v - 1) : at(c, 2 * i + u, 2 * j + v);
              sum += value * weights[((o * inChannels + c) * size + u) * size + v];
            }
          }
        }
        out[n] = spec.activation === "relu" ? Math.max(sum, 0) : sum;
      }
    }
  }
  return out;
}

/** Largest absolute difference over the largest absolute value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let scale = Number.MIN_VALUE;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return NaN;
    error = Math.max(error, difference);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return error / scale;
}
