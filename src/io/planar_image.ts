/** A picture as plain numbers: what the image codecs take and give. */
export interface PlanarImage {
  /** Columns, at least 1. */
  readonly width: number;
  /** Rows, at least 1. */
  readonly height: number;
  /** 1 (gray) or 3 (red, green, blue). */
  readonly channels: 1 | 3;
  /** Samples in [0, 1], planar: index `(channel * height + row) * width + column`. */
  readonly data: Float32Array;
}
