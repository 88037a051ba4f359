/** A dense array as plain numbers: what the array codecs take and give. */
export interface FloatArray {
  /** Extent of each axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** Values in C order (last axis fastest), as many as the product of `shape`. */
  readonly data: Float32Array;
}

/** Number of values of a shape, or -1 if an extent is not a non-negative integer or the product is not exact. */
export function elementCount(shape: readonly number[]): number {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return -1;
  const count = shape.reduce((product, extent) => product * extent, 1);
  return Number.isSafeInteger(count) ? count : -1;
}
