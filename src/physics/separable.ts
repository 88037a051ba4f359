/** A plane counts as rank one when no value differs from the product by more than this share of the largest one. */
const TOLERANCE = 1e-6;

/**
 * Splits filters of rank one into a one-dimensional factor per axis, through the filter's value h[p] of largest magnitude:
 * h = prod_d h[p_1, ..., :, ..., p_n] / h[p]^(n - 1), with the first factor left undivided.
 *
 * @param values `count` filters of extents `taps`, two or more
 * @returns per axis `count` times its extent values; `undefined` when a filter is not of rank one, or when passes along the
 * axes would not be fewer operations
 */
export function separate(
  values: Float32Array,
  count: number,
  taps: readonly number[],
): Float32Array[] | undefined {
  const size = taps.reduce((product, extent) => product * extent, 1);
  if (taps.reduce((sum, extent) => sum + extent, 0) >= size) return undefined;
  const strides = taps.map((_, d) => taps.slice(d + 1).reduce((product, extent) => product * extent, 1));
  const factors = taps.map((extent) => new Float32Array(count * extent));
  for (let f = 0; f < count; f++) {
    const filter = values.subarray(f * size, (f + 1) * size);
    let peak = 0;
    for (let k = 1; k < size; k++) if (Math.abs(filter[k]) > Math.abs(filter[peak])) peak = k;
    const pivot = filter[peak];
    if (pivot === 0) continue;
    const along = (k: number, d: number) => Math.floor(k / strides[d]) % taps[d];
    taps.forEach((extent, d) => {
      const line = peak - along(peak, d) * strides[d];
      for (let i = 0; i < extent; i++) {
        factors[d][f * extent + i] = filter[line + i * strides[d]] / (d === 0 ? 1 : pivot);
      }
    });
    for (let k = 0; k < size; k++) {
      let product = 1;
      for (let d = 0; d < taps.length; d++) product *= factors[d][f * taps[d] + along(k, d)];
      if (Math.abs(filter[k] - product) > TOLERANCE * Math.abs(pivot)) return undefined;
    }
  }
  return factors;
}
