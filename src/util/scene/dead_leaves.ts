import { Philox } from "../philox.ts";
import { requireExtent } from "./extent.ts";

/** Samples a pixel, along each axis. */
const OVERSAMPLING = 2;

/**
 * The dead-leaves model: opaque discs of random place, colour and radius fall until they cover the picture. With the
 * density of radii proportional to r^-3 it has the scale invariance of natural images.
 *
 * Steps: discs are drawn from the topmost down, each colouring only samples that are still bare (perfect simulation of
 * the stationary model); 2 x 2 samples are averaged into a pixel.
 *
 * @param height rows, at least 1
 * @param width columns, at least 1
 * @param seed another seed gives another picture
 * @returns (3, height, width) in [0, 1]: red, green, blue planes
 * @throws {InvalidArgumentError} if height or width is not a positive integer
 */
export function deadLeavesScene(height: number, width: number, seed = 0): Float32Array<ArrayBuffer> {
  requireExtent("draw dead leaves", "height", height);
  requireExtent("draw dead leaves", "width", width);
  const random = new Philox(seed);
  const [rows, columns] = [height * OVERSAMPLING, width * OVERSAMPLING];
  const smallest = Math.max(OVERSAMPLING, Math.min(rows, columns) / 160);
  const largest = Math.max(smallest, Math.min(rows, columns) / 3);
  const covered = new Uint8Array(rows * columns);
  const out = new Float32Array(3 * height * width);
  for (let bare = rows * columns; bare > 0;) {
    const radius = discRadius(random.uniform(), smallest, largest);
    const cy = -largest + (rows + 2 * largest) * random.uniform();
    const cx = -largest + (columns + 2 * largest) * random.uniform();
    const color = [random.uniform(), random.uniform(), random.uniform()];
    for (let y = Math.max(0, Math.ceil(cy - radius)); y <= Math.min(rows - 1, cy + radius); y++) {
      const half = Math.sqrt(Math.max(0, radius ** 2 - (y - cy) ** 2));
      const last = Math.min(columns - 1, Math.floor(cx + half));
      for (let x = Math.max(0, Math.ceil(cx - half)); x <= last; x++) {
        if (covered[y * columns + x]) continue;
        covered[y * columns + x] = 1;
        bare--;
        const at = Math.floor(y / OVERSAMPLING) * width + Math.floor(x / OVERSAMPLING);
        for (let c = 0; c < 3; c++) out[c * height * width + at] += color[c] / OVERSAMPLING ** 2;
      }
    }
  }
  return out;
}

/** The radius whose distribution function is `p`, for a density proportional to r^-3 on [low, high]. */
function discRadius(p: number, low: number, high: number): number {
  return 1 / Math.sqrt(low ** -2 + p * (high ** -2 - low ** -2));
}
