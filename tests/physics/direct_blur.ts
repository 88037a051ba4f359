import type { BlurPadding } from "../../src/physics/mod.ts";
import { indicesOf, Plain } from "../tensor/plain.ts";

/** The blur by its definition in float64: y[n] = sum_m h[m] x~[n - m + c], or x[n + size - 1 - m] for "valid". */
export function convolved(x: Plain, h: Plain, padding: BlurPadding): Plain {
  const sizes = x.shape.slice(2), taps = h.shape.slice(2);
  const valid = padding === "valid";
  const shifts = taps.map((size) => (valid ? size - 1 : Math.floor(size / 2)));
  const offsets = indicesOf(taps);
  const shape = [...x.shape.slice(0, 2), ...sizes.map((size, d) => valid ? size - taps[d] + 1 : size)];
  return Plain.build(shape, ([b, c, ...place]) => {
    let sum = 0;
    for (const offset of offsets) {
      const source = place.map((at, d) => continued(at - offset[d] + shifts[d], sizes[d], padding));
      if (source.some((at) => at === undefined)) continue;
      sum += h.at([b, c, ...offset]) * x.at([b, c, ...source as number[]]);
    }
    return sum;
  });
}

/** The sample that a position beyond the border shows; `undefined` for zero. */
function continued(position: number, length: number, padding: BlurPadding): number | undefined {
  if (position >= 0 && position < length) return position;
  switch (padding) {
    case "circular":
      return ((position % length) + length) % length;
    case "reflect":
      return position < 0 ? -position : 2 * length - 2 - position;
    case "replicate":
      return position < 0 ? 0 : length - 1;
    default:
      return undefined;
  }
}

/** Whole numbers from a fixed stream, so that every run sees the same shapes. */
export function drawer(seed: number): (from: number, to: number) => number {
  let state = seed;
  return (from, to) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return from + Math.floor((state / 2 ** 32) * (to - from + 1));
  };
}

/** A random filter, of rank one if wanted. */
export function randomFilter(shape: readonly number[], separable: boolean, seed: number): Plain {
  if (!separable) return Plain.random(shape, seed);
  const lead = shape.slice(0, 2);
  const factors = shape.slice(2).map((size, d) =>
    Plain.random([...lead, ...shape.slice(2).map((_, axis) => axis === d ? size : 1)], seed + d)
  );
  const product = Plain.build(shape, (k) => factors.reduce((value, factor) => value * factor.at(k), 1));
  return new Plain(shape, Float32Array.from(product.values));
}
