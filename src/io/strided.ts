/**
 * The values of a strided view in row-major order.
 *
 * @param source begins with the view's first value
 * @param strides in values, >= 0, one per axis
 * @param perValue neighbouring numbers that make one value
 */
export function gatherStrided(
  source: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
  perValue: number,
): Float32Array {
  const out = new Float32Array(shape.reduce((product, extent) => product * extent, perValue));
  const index = shape.map(() => 0);
  for (let at = 0, from = 0; at < out.length; at += perValue) {
    for (let k = 0; k < perValue; k++) out[at + k] = source[from * perValue + k];
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d];
      if (++index[d] < shape[d]) break;
      from -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}
