import { requireExtent } from "./extent.ts";

/**
 * The ellipses of Shepp and Logan (1974) with the contrasts of Toft (1996): value added inside, half axes along x and y,
 * centre x and y, rotation in degrees, on the square [-1, 1]^2 with y upwards.
 */
const ELLIPSES = [
  [1, 0.69, 0.92, 0, 0, 0],
  [-0.8, 0.6624, 0.874, 0, -0.0184, 0],
  [-0.2, 0.11, 0.31, 0.22, 0, -18],
  [-0.2, 0.16, 0.41, -0.22, 0, 18],
  [0.1, 0.21, 0.25, 0, 0.35, 0],
  [0.1, 0.046, 0.046, 0, 0.1, 0],
  [0.1, 0.046, 0.046, 0, -0.1, 0],
  [0.1, 0.046, 0.023, -0.08, -0.605, 0],
  [0.1, 0.023, 0.023, 0, -0.606, 0],
  [0.1, 0.023, 0.046, 0.06, -0.605, 0],
] as const;

/**
 * The modified Shepp-Logan head phantom: a pixel is the sum of the ellipses that hold its centre, the first and last
 * pixel centres of each axis lying at -1 and 1.
 *
 * @param n rows and columns, at least 1
 * @returns (n, n) in [0, 1]
 * @throws {InvalidArgumentError} if n is not a positive integer
 */
export function sheppLogan(n: number): Float32Array<ArrayBuffer> {
  requireExtent("draw Shepp-Logan phantom", "n", n);
  const out = new Float32Array(n * n);
  const coordinate = (i: number) => n === 1 ? 0 : 2 * i / (n - 1) - 1;
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      out[row * n + column] = Math.max(0, density(coordinate(column), -coordinate(row)));
    }
  }
  return out;
}

/**
 * The third half axis and the centre's z of every ellipse, which make it an ellipsoid of the same rotation about z
 * (Schabel, 2006, after Kak and Slaney).
 */
const HEIGHTS = [
  [0.81, 0],
  [0.78, 0],
  [0.22, 0],
  [0.28, 0],
  [0.41, -0.15],
  [0.05, 0.25],
  [0.05, 0.25],
  [0.05, 0],
  [0.02, 0],
  [0.02, 0],
] as const;

/**
 * The modified Shepp-Logan phantom in three dimensions, from ellipsoids; slices run along z, rows and columns as in
 * {@link sheppLogan}.
 *
 * @param n slices, rows and columns, at least 1
 * @returns (n, n, n) in [0, 1]
 * @throws {InvalidArgumentError} if n is not a positive integer
 */
export function sheppLogan3D(n: number): Float32Array<ArrayBuffer> {
  requireExtent("draw Shepp-Logan phantom", "n", n);
  const out = new Float32Array(n ** 3);
  const coordinate = (i: number) => n === 1 ? 0 : 2 * i / (n - 1) - 1;
  for (let k = 0; k < out.length; k++) {
    const [column, row, slice] = [k % n, Math.floor(k / n) % n, Math.floor(k / (n * n))];
    out[k] = Math.max(0, density(coordinate(column), -coordinate(row), coordinate(slice)));
  }
  return out;
}

/** The sum of what holds a point: of the ellipses in the plane, of the ellipsoids in space. */
function density(x: number, y: number, z?: number): number {
  let sum = 0;
  for (const [k, [value, a, b, x0, y0, degrees]] of ELLIPSES.entries()) {
    const angle = degrees * Math.PI / 180;
    const along = (x - x0) * Math.cos(angle) + (y - y0) * Math.sin(angle);
    const across = (y - y0) * Math.cos(angle) - (x - x0) * Math.sin(angle);
    const [c, z0] = HEIGHTS[k];
    const up = z === undefined ? 0 : (z - z0) / c;
    if ((along / a) ** 2 + (across / b) ** 2 + up ** 2 <= 1) sum += value;
  }
  return sum;
}
