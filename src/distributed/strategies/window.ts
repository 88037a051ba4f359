/** How the results of neighbouring tiles are joined: a hard cut, or a smooth transition where the tiles overlap. */
export type Blend = "crop" | "linear" | "hann";

/** The blends, for checks and messages. */
export const BLENDS: readonly Blend[] = ["crop", "linear", "hann"];

/** What a tile covers of its axis, its halo included: [start, stop), which may reach past the border. */
export type Span = readonly [start: number, stop: number];

/**
 * Weights of every tile along an axis, one for each sample that the tile covers: a window that rises over `ramp` samples
 * from the tile's ends, linearly or as sin^2, divided by the sum of all tiles' windows. So they sum to one at every
 * sample, at borders and in the last tile too.
 *
 * @param length of the axis; every sample is covered by a tile
 * @param ramp samples over which neighbouring tiles overlap
 */
export function blendWeights(
  length: number,
  spans: readonly Span[],
  ramp: number,
  blend: Exclude<Blend, "crop">,
): Float32Array[] {
  const rise = (distance: number): number => {
    const t = Math.min(1, distance / (ramp + 1));
    return blend === "linear" ? t : Math.sin((Math.PI / 2) * t) ** 2;
  };
  const total = new Float64Array(length);
  const windows = spans.map(([start, stop]) => {
    const first = Math.max(0, start), end = Math.min(length, stop);
    const window = Float64Array.from({ length: end - first }, (_, k) => {
      const i = first + k;
      return rise(Math.min(i - start + 1, stop - i));
    });
    window.forEach((weight, k) => total[first + k] += weight);
    return { first, window };
  });
  return windows.map(({ first, window }) =>
    Float32Array.from(window, (weight, k) => weight / total[first + k])
  );
}
