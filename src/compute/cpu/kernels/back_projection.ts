import type { RadonKernel } from "../../kernel.ts";

/** The interpolating back-projection of one plane; sums in float64. */
export function interpolate(
  { size, detectors, angles, centre }: RadonKernel,
  rays: Float32Array,
  directions: Float32Array,
  image: Float32Array,
): void {
  const sums = new Float64Array(size * size);
  const profile = new Float64Array(detectors + 2);
  for (let view = 0; view < angles; view++) {
    const cos = directions[2 * view], sin = directions[2 * view + 1];
    for (let i = 0; i < detectors; i++) profile[i + 1] = rays[i * angles + view];
    for (let row = 0, at = 0; row < size; row++) {
      const start = (detectors - 1) / 2 + 1 - centre * cos - (row - centre) * sin;
      for (let column = 0; column < size; column++, at++) {
        const place = start + column * cos;
        if (place <= 0 || place >= detectors + 1) continue;
        const i = place | 0;
        sums[at] += profile[i] + (place - i) * (profile[i + 1] - profile[i]);
      }
    }
  }
  image.set(sums);
}
