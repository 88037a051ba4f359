/** The village of the scene: brick houses with tiled roofs, windows and doors, and a striped lighthouse. */
import type { Philox } from "../philox.ts";
import { mix, type Rgb, shade } from "./colour.ts";
import type { Noise } from "./value_noise.ts";

/** Something in front of the background; `paint` gives null where it is not. */
export interface SceneObject {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  paint(u: number, v: number): Rgb | null;
}

const WALLS: readonly Rgb[] = [
  [0.86, 0.82, 0.72],
  [0.72, 0.36, 0.27],
  [0.9, 0.72, 0.42],
  [0.62, 0.7, 0.78],
  [0.84, 0.58, 0.5],
];
const ROOFS: readonly Rgb[] = [[0.62, 0.22, 0.15], [0.32, 0.3, 0.36], [0.5, 0.28, 0.16]];
const DOORS: readonly Rgb[] = [[0.12, 0.34, 0.3], [0.45, 0.12, 0.14], [0.16, 0.24, 0.5]];

/** A house that stands on `bottom`, with `storeys` rows of windows. */
export function house(
  random: Philox,
  noise: Noise,
  left: number,
  width: number,
  bottom: number,
): SceneObject {
  const pick = <T>(list: readonly T[]): T => list[random.nextUint32() % list.length];
  const [wall, roof, door] = [pick(WALLS), pick(ROOFS), pick(DOORS)];
  const storeys = 1 + random.nextUint32() % 2;
  const eaves = bottom - 0.02 - 0.075 * storeys;
  const ridge = eaves - width * (0.38 + 0.2 * random.uniform());
  const columns = Math.max(2, Math.round(width / 0.055));
  const chimney = left + width * (0.2 + 0.1 * random.uniform());
  const overhang = 0.008;
  const middle = left + width / 2;

  function paint(u: number, v: number): Rgb | null {
    const slope = (v - ridge) / (eaves - ridge);
    const onRoof = v < eaves && slope > 0 && Math.abs(u - middle) < slope * (width / 2 + overhang);
    if (onRoof) return paintRoof(u, v, slope);
    if (v < eaves) {
      const onChimney = u > chimney && u < chimney + 0.022 && v > ridge + 0.01;
      return onChimney ? brick([0.6, 0.32, 0.25], u, v) : null;
    }
    return u > left && u < left + width ? paintWall(u, v) : null;
  }

  function paintRoof(u: number, v: number, slope: number): Rgb {
    if (slope > 0.96) return shade(roof, 0.55);
    const row = Math.floor((v - ridge) / 0.0085);
    const tile = (u / 0.011 + (row % 2) / 2) % 1;
    const inRow = ((v - ridge) / 0.0085) % 1;
    const light = (u < middle ? 1.1 : 0.85) *
      (0.85 + 0.3 * noise(Math.floor(u / 0.011 + (row % 2) / 2), row));
    return shade(roof, light * (inRow > 0.78 || tile < 0.12 ? 0.68 : 1.08));
  }

  function paintWall(u: number, v: number): Rgb {
    const cell = width / columns;
    const column = Math.floor((u - left) / cell);
    const storey = Math.floor((bottom - v) / 0.078);
    const x = (u - left - (column + 0.5) * cell) / 0.016;
    const y = (v - (bottom - 0.078 * storey - 0.042)) / 0.022;
    const isDoor = storey === 0 && column === Math.floor(columns / 2);
    if (isDoor && Math.abs(x) < 0.95 && y > -1 && v < bottom) return paintDoor(x, y);
    if (!isDoor && storey < storeys && Math.abs(x) < 1.2 && Math.abs(y) < 1.15) {
      return paintWindow(x, y, column + storey);
    }
    return shade(brick(wall, u, v), v < eaves + 0.012 ? 0.72 : 1);
  }

  function paintDoor(x: number, y: number): Rgb {
    if (Math.abs(x) > 0.75 || y < -0.85) return [0.93, 0.92, 0.88];
    if (Math.hypot(x - 0.5, (y - 0.4) * 1.4) < 0.13) return [0.95, 0.8, 0.3];
    return shade(door, Math.abs(Math.abs(x) - 0.35) < 0.06 ? 0.7 : 1);
  }

  function paintWindow(x: number, y: number, index: number): Rgb {
    const frame = Math.abs(x) > 0.95 || Math.abs(y) > 0.92 || Math.abs(x) < 0.1 || Math.abs(y + 0.2) < 0.08;
    if (y > 1) return [0.55, 0.52, 0.5];
    if (frame) return [0.96, 0.95, 0.92];
    const lit = noise(index * 3.7 + left * 50, 7.5) > 0.6;
    return lit
      ? mix([1, 0.86, 0.45], [0.9, 0.6, 0.25], (y + 1) / 2)
      : mix([0.16, 0.22, 0.32], [0.5, 0.62, 0.72], (x - y + 2) / 5);
  }

  function brick(color: Rgb, u: number, v: number): Rgb {
    const row = Math.floor(v / 0.0075);
    const along = u / 0.017 + (row % 2) / 2;
    const mortar = (v / 0.0075) % 1 < 0.16 || along % 1 < 0.08;
    return mortar
      ? mix(color, [0.86, 0.84, 0.8], 0.55)
      : shade(color, 0.86 + 0.24 * noise(Math.floor(along), row));
  }

  return { left: left - overhang, right: left + width + overhang, top: ridge, bottom, paint };
}

/** A tapering tower with red and white bands, a gallery and a lantern. */
export function lighthouse(centre: number, top: number, bottom: number): SceneObject {
  const lantern = top + 0.055;
  const gallery = lantern + 0.012;
  function paint(u: number, v: number): Rgb | null {
    const x = u - centre;
    if (v < top + 0.025) {
      return Math.abs(x) < 0.9 * (v - top) ? shade([0.55, 0.12, 0.12], x < 0 ? 1.1 : 0.8) : null;
    }
    if (v < lantern) {
      if (Math.abs(x) > 0.019) return null;
      return Math.abs(((x + 0.019) / 0.0095) % 1 - 0.5) > 0.38 ? [0.2, 0.2, 0.22] : [1, 0.93, 0.6];
    }
    if (v < gallery) return Math.abs(x) < 0.036 ? [0.2, 0.2, 0.24] : null;
    const half = 0.026 + 0.018 * (v - gallery) / (bottom - gallery);
    if (Math.abs(x) > half) return null;
    const band = Math.floor((v - gallery) / 0.042) % 2;
    const round = 0.62 + 0.4 * Math.sqrt(Math.max(0, 1 - ((x / half + 0.35) / 1.36) ** 2));
    const slit = Math.abs(x) < 0.005 && ((v - gallery) / 0.084) % 1 > 0.62 &&
      ((v - gallery) / 0.084) % 1 < 0.8;
    return slit ? [0.12, 0.14, 0.18] : shade(band === 0 ? [0.97, 0.96, 0.93] : [0.83, 0.13, 0.13], round);
  }
  return { left: centre - 0.05, right: centre + 0.05, top, bottom, paint };
}
