import type { RadonKernel } from "../../kernel.ts";

/** Zeros around an image, so that every sample of a clipped ray has four neighbours. */
const BORDER = 2;

/** Line integrals, their transpose, or the interpolating back-projection; sums in float64. */
export function radon(
  kernel: RadonKernel,
  input: Float32Array,
  directions: Float32Array,
  output: Float32Array,
): void {
  const { mode, planes, size, detectors, angles } = kernel;
  const imageValues = size * size, rayValues = detectors * angles;
  const [fromValues, toValues] = mode === "project" ? [imageValues, rayValues] : [rayValues, imageValues];
  const run = mode === "project" ? project : mode === "adjoint" ? adjoint : interpolate;
  for (let plane = 0; plane < planes; plane++) {
    const source = input.subarray(plane * fromValues, (plane + 1) * fromValues);
    run(kernel, source, directions, output.subarray(plane * toValues, (plane + 1) * toValues));
  }
}

function project(
  kernel: RadonKernel,
  image: Float32Array,
  directions: Float32Array,
  rays: Float32Array,
): void {
  const { size, detectors, angles } = kernel;
  const width = size + 2 * BORDER;
  const padded = new Float32Array(width * width);
  for (let row = 0; row < size; row++) {
    padded.set(image.subarray(row * size, (row + 1) * size), (row + BORDER) * width + BORDER);
  }
  const ray = new Float64Array(6);
  for (let view = 0; view < angles; view++) {
    for (let detector = 0; detector < detectors; detector++) {
      clippedRay(kernel, directions[2 * view], directions[2 * view + 1], detector, ray);
      const [x0, y0, dx, dy, first, last] = ray;
      let sum = 0;
      for (let j = first; j <= last; j++) {
        const x = x0 + j * dx, y = y0 + j * dy;
        const column = x | 0, row = y | 0;
        const fx = x - column, fy = y - row;
        const at = row * width + column;
        const a = padded[at], c = padded[at + width];
        const top = a + fx * (padded[at + 1] - a);
        const bottom = c + fx * (padded[at + width + 1] - c);
        sum += top + fy * (bottom - top);
      }
      rays[detector * angles + view] = sum;
    }
  }
}

function adjoint(
  kernel: RadonKernel,
  rays: Float32Array,
  directions: Float32Array,
  image: Float32Array,
): void {
  const { size, detectors, angles } = kernel;
  const width = size + 2 * BORDER;
  const padded = new Float64Array(width * width);
  const ray = new Float64Array(6);
  for (let view = 0; view < angles; view++) {
    for (let detector = 0; detector < detectors; detector++) {
      clippedRay(kernel, directions[2 * view], directions[2 * view + 1], detector, ray);
      const [x0, y0, dx, dy, first, last] = ray;
      const value = rays[detector * angles + view];
      for (let j = first; j <= last; j++) {
        const x = x0 + j * dx, y = y0 + j * dy;
        const column = x | 0, row = y | 0;
        const right = (x - column) * value, left = value - right;
        const fy = y - row;
        const at = row * width + column;
        padded[at] += left - fy * left;
        padded[at + 1] += right - fy * right;
        padded[at + width] += fy * left;
        padded[at + width + 1] += fy * right;
      }
    }
  }
  for (let row = 0; row < size; row++) {
    const from = (row + BORDER) * width + BORDER;
    image.set(padded.subarray(from, from + size), row * size);
  }
}

/**
 * The part of a ray that meets the image: x0, y0, dx, dy of its samples (x0 + j dx, y0 + j dy) in the bordered image, and
 * the first and last j; first > last where it misses.
 */
function clippedRay(
  kernel: RadonKernel,
  cos: number,
  sin: number,
  detector: number,
  ray: Float64Array,
): void {
  const { size, steps, detectors, centre, spacing, divergence } = kernel;
  const half = (steps - 1) / 2;
  const lateral = detector - (detectors - 1) / 2;
  const dx = sin + lateral * divergence * cos;
  const dy = cos - lateral * divergence * sin;
  const x0 = centre + BORDER + lateral * spacing * cos - half * dx;
  const y0 = centre + BORDER - lateral * spacing * sin - half * dy;
  let first = 0, last = steps - 1;
  for (const [start, step] of [[x0, dx], [y0, dy]]) {
    const low = BORDER - 1 - start, high = BORDER + size - start;
    if (Math.abs(step) < 1e-12) {
      if (low > 0 || high < 0) last = -1;
      continue;
    }
    const [enter, leave] = step > 0 ? [low / step, high / step] : [high / step, low / step];
    first = Math.max(first, Math.ceil(enter));
    last = Math.min(last, Math.floor(leave));
  }
  ray[0] = x0;
  ray[1] = y0;
  ray[2] = dx;
  ray[3] = dy;
  ray[4] = first;
  ray[5] = last;
}

function interpolate(
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
