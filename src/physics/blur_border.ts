import { type PaddingMode, paddingTables } from "../tensor/ops/pad.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How a blur continues the image past its border; `"valid"` keeps only outputs that need no continuation. */
export type BlurPadding = "valid" | PaddingMode;

/** One way to compute a blur and its adjoint. */
export interface BlurPath {
  /** The blurred images of x (B, C, ...). */
  blur(x: Tensor): Promise<Tensor>;
  /** The adjoint for y, of what `blur` gives. */
  adjoint(y: Tensor): Promise<Tensor>;
}

/**
 * The continuation of images for a filter centred at floor(size / 2), by size - 1 - centre before and centre after every
 * spatial axis, and its adjoint.
 *
 * @param shape (B, C, ...spatial) of the images
 * @param taps the filter's extents
 */
export function borderTables(
  shape: readonly number[],
  taps: readonly number[],
  padding: PaddingMode,
): ReturnType<typeof paddingTables> {
  const axes = taps.map((size, d) => {
    const centre = Math.floor(size / 2);
    return { dim: d + 2, before: size - 1 - centre, after: centre };
  });
  return paddingTables(shape, axes, padding);
}
