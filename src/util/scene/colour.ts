/** Red, green and blue in [0, 1]. */
export type Rgb = readonly [number, number, number];

/** `color` with its brightness multiplied by `factor`. */
export function shade(color: Rgb, factor: number): Rgb {
  return [color[0] * factor, color[1] * factor, color[2] * factor];
}

/** The blend `(1 - t) a + t b`. */
export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}
