import { type ConvGeometry, phasesOf } from "../conv_geometry.ts";

/** At most three taps at equal distances, as tiles take them; those that are missing are 0. */
export interface TapBlock {
  /** Samples from the tile's first one to that which the first tap reads. */
  readonly offset: number;
  readonly taps: readonly number[];
}

/**
 * Outputs along one axis that tiles of four can compute: output first + n step is the sum over the blocks and their taps t
 * of tap t times input start + offset + (n + t) sample.
 */
export interface TileAxis {
  readonly first: number;
  readonly step: number;
  readonly start: number;
  readonly sample: number;
  readonly blocks: readonly TapBlock[];
  /** Axes of one number have the same taps. */
  readonly weights: number;
}

/**
 * How tiles cover a layer along the rows (axis 0) or the columns (axis 1); `undefined` where they cannot. A dilated layer
 * falls into as many interleaved ones as its dilation; the taps of a layer with a stride into as many groups as that; a
 * transposed layer into its phases.
 */
export function tileAxes(geometry: ConvGeometry, axis: 0 | 1): TileAxis[] | undefined {
  const { transposed } = geometry;
  const [kernel, stride, padding, dilation] = [
    geometry.kernel[axis],
    geometry.stride[axis],
    geometry.padding[axis],
    geometry.dilation[axis],
  ];
  const all = Array.from({ length: kernel }, (_, tap) => tap);
  if (transposed) {
    const phases = phasesOf(geometry, axis);
    if (phases.some(({ taps, spacing }) => taps === 0 || (taps > 1 && spacing !== 1))) return undefined;
    return phases.map(({ first, step, start, taps, tap, tapStep }, weights) => {
      const own = Array.from({ length: taps }, (_, t) => tap + t * tapStep);
      return { first, step, start, sample: 1, blocks: blocksOf(own, 0, 1), weights };
    });
  }
  if (dilation > (stride > 1 ? 1 : MAX_DILATION)) return undefined;
  if (dilation > 1) {
    const blocks = blocksOf(all, 0, dilation);
    return Array.from({ length: dilation }, (_, first) => {
      return { first, step: dilation, start: first - padding, sample: dilation, blocks, weights: 0 };
    });
  }
  const groups = Array.from({ length: Math.min(stride, kernel) }, (_, group) => group);
  const blocks = groups.flatMap((group) =>
    blocksOf(all.filter((tap) => tap % stride === group), group, stride)
  );
  return [{ first: 0, step: 1, start: -padding, sample: stride, blocks, weights: 0 }];
}

/** Beyond, the interleaved layers are too small for tiles of four. */
const MAX_DILATION = 8;

/** Taps `sample` apart, the first one reading at `offset`, in blocks of three. */
function blocksOf(taps: readonly number[], offset: number, sample: number): TapBlock[] {
  return Array.from({ length: Math.ceil(taps.length / 3) }, (_, i) => {
    return { offset: offset + 3 * i * sample, taps: taps.slice(3 * i, 3 * i + 3) };
  });
}
