/** The two factors of rank-one filter planes: every plane is column (h x 1) times row (1 x w). */
export interface SeparableFilter {
  /** `planes` columns of h values. */
  readonly columns: Float32Array;
  /** `planes` rows of w values. */
  readonly rows: Float32Array;
}

/** A plane counts as rank one when no value differs from the product by more than this share of the largest one. */
const TOLERANCE = 1e-6;

/**
 * Splits filters into a column and a row each, through the plane's largest value: h = h[:, q] h[p, :] / h[p, q].
 *
 * @param values `planes` filters of `height` x `width`
 * @returns `undefined` when a plane is not of rank one, or when two passes would not be fewer operations
 */
export function separate(
  values: Float32Array,
  planes: number,
  height: number,
  width: number,
): SeparableFilter | undefined {
  if (height + width >= height * width) return undefined;
  const columns = new Float32Array(planes * height), rows = new Float32Array(planes * width);
  for (let plane = 0; plane < planes; plane++) {
    const filter = values.subarray(plane * height * width, (plane + 1) * height * width);
    let peak = 0;
    for (let k = 1; k < filter.length; k++) if (Math.abs(filter[k]) > Math.abs(filter[peak])) peak = k;
    const pivot = filter[peak];
    if (pivot === 0) continue;
    const p = Math.floor(peak / width), q = peak % width;
    for (let i = 0; i < height; i++) columns[plane * height + i] = filter[i * width + q];
    for (let j = 0; j < width; j++) rows[plane * width + j] = filter[p * width + j] / pivot;
    for (let k = 0; k < filter.length; k++) {
      const product = columns[plane * height + Math.floor(k / width)] * rows[plane * width + (k % width)];
      if (Math.abs(filter[k] - product) > TOLERANCE * Math.abs(pivot)) return undefined;
    }
  }
  return { columns, rows };
}
