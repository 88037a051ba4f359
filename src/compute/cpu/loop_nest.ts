import type { MapKernel } from "../kernel.ts";

/**
 * The iteration space of a {@link MapKernel} with as few dimensions as possible: extents and, for the output and every
 * input, distances in values. The last dimension is a row's values, the one before it the rows.
 */
export interface LoopNest {
  /** At least two extents. */
  readonly shape: readonly number[];
  /** For the output and every input one stride per dimension. */
  readonly strides: readonly (readonly number[])[];
}

/** Leaves out extents of 1 and merges neighbouring dimensions that every operand walks as one. */
export function loopNest(kernel: MapKernel): LoopNest {
  const views = [kernel.output, ...kernel.inputs];
  const shape: number[] = [];
  const strides: number[][] = views.map(() => []);
  for (let d = 0; d < kernel.shape.length; d++) {
    const extent = kernel.shape[d];
    if (extent === 1) continue;
    const last = shape.length - 1;
    let mergeable = last >= 0;
    for (let k = 0; mergeable && k < views.length; k++) {
      mergeable = strides[k][last] === views[k].strides[d] * extent;
    }
    for (let k = 0; k < views.length; k++) {
      if (mergeable) strides[k][last] = views[k].strides[d];
      else strides[k].push(views[k].strides[d]);
    }
    if (mergeable) shape[last] *= extent;
    else shape.push(extent);
  }
  while (shape.length < 2) {
    shape.unshift(1);
    for (const own of strides) own.unshift(shape.length === 1 ? 1 : 0);
  }
  return { shape, strides };
}
