import type { Tensor } from "../tensor/tensor.ts";

/**
 * Real planes as the real and imaginary parts of complex ones: a real filter does the same to both, so that one complex
 * transform serves two planes. Paired are planes with the same filter; where there is none left, zeros.
 */
interface Pairing {
  /** Planes as (outer, count, inner): neighbours along `count` are paired, which is made even. */
  readonly planes: readonly [outer: number, count: number, inner: number];
  /** (items, 2, channels) that fit a factor (1|B, 1, 1|C). */
  readonly complex: readonly [number, 2, number];
}

function pairingOf(batch: number, channels: number, filter: readonly number[]): Pairing {
  const even = (count: number) => count + count % 2;
  const [filterBatch, filterChannels] = filter;
  if (filterBatch === 1 && filterChannels === 1) {
    const count = batch * channels;
    return { planes: [1, count, 1], complex: [even(count) / 2, 2, 1] };
  }
  if (filterBatch === 1) return { planes: [1, batch, channels], complex: [even(batch) / 2, 2, channels] };
  if (filterChannels === 1) return { planes: [batch, channels, 1], complex: [batch, 2, even(channels) / 2] };
  return { planes: [batch, 1, channels], complex: [batch, 2, channels] };
}

/** The number of complex planes that `pairUp` makes. */
export function pairCount(batch: number, channels: number, filter: readonly number[]): number {
  const { complex: [items, , inner] } = pairingOf(batch, channels, filter);
  return items * inner;
}

/**
 * Pairs the planes of x.
 *
 * @param x (B, C, ...)
 * @param filter the shape (1|B, 1|C, ...) of the filters that they meet
 * @returns complex planes (items, 2, channels, ...) that the filters' transforms (1|B, 1, 1|C, ...) fit
 */
export function pairUp(x: Tensor, filter: readonly number[]): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const { planes, complex } = pairingOf(batch, channels, filter);
  using view = x.reshape([...planes, ...spatial]);
  const odd = planes[1] % 2;
  if (odd === 0) return view.reshape([...complex, ...spatial]);
  using padded = view.pad([[0, 1], [0, 0], ...spatial.map(() => [0, 0] as const)]);
  return padded.reshape([...complex, ...spatial]);
}

/** Takes the pairs apart: the inverse of {@link pairUp} for x of shape `shape`. */
export function unpair(paired: Tensor, shape: readonly number[], filter: readonly number[]): Tensor {
  const [batch, channels, ...spatial] = shape;
  const { planes: [outer, count, inner] } = pairingOf(batch, channels, filter);
  using view = paired.reshape([outer, count + count % 2, inner, ...spatial]);
  using kept = view.slice([null, [0, count]]);
  return kept.reshape([...shape]);
}
