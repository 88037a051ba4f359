import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { layerReference } from "./oracle.ts";

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
  return layerReference(spec, height, width, x, weights, bias, []);
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
