/** What stands around the village: trees, a balloon, a sign with lettering, a picket fence. */
import type { Philox } from "../philox.ts";
import type { SceneObject } from "./buildings.ts";
import { mix, type Rgb, shade } from "./colour.ts";
import type { Noise } from "./value_noise.ts";

const GORES: readonly Rgb[] = [[0.86, 0.16, 0.18], [0.98, 0.8, 0.2], [0.12, 0.4, 0.7], [0.96, 0.95, 0.92]];

/** The letters of the sign, five by seven. */
const LETTERS: Record<string, readonly string[]> = {
  D: ["####.", "#...#", "#...#", "#...#", "#...#", "#...#", "####."],
  E: ["#####", "#....", "#....", "####.", "#....", "#....", "#####"],
  I: ["#####", "..#..", "..#..", "..#..", "..#..", "..#..", "#####"],
  N: ["#...#", "##..#", "#.#.#", "#.#.#", "#..##", "#...#", "#...#"],
  P: ["####.", "#...#", "#...#", "####.", "#....", "#....", "#...."],
  V: ["#...#", "#...#", "#...#", "#...#", ".#.#.", ".#.#.", "..#.."],
};

/** A leafy tree: a crown with a ragged edge, lit from the right, on a trunk. */
export function tree(
  random: Philox,
  noise: Noise,
  centre: number,
  bottom: number,
  size: number,
): SceneObject {
  const shift = 90 * random.uniform();
  const hue: Rgb = mix([0.13, 0.36, 0.12], [0.3, 0.42, 0.1], random.uniform());
  const crown = bottom - 1.25 * size;
  function paint(u: number, v: number): Rgb | null {
    const [x, y] = [(u - centre) / size, (v - crown) / size];
    const edge = 0.52 + 0.38 * noise(3.1 * x + shift, 3.1 * y) + 0.16 * noise(60 * u + shift, 60 * v);
    if (Math.hypot(x * 1.15, y) < edge) {
      const leaves = 0.55 * noise(150 * u + shift, 150 * v) + 0.45 * noise(330 * u, 330 * v + shift);
      const light = 0.62 + 0.38 * (x - y) / 1.2;
      return mix(
        shade(hue, 0.45 + 0.3 * light),
        [0.62, 0.76, 0.26],
        Math.max(0, leaves - 0.36) * 1.7 * light,
      );
    }
    const trunk = 0.07 + 0.05 * Math.max(0, y - 0.9) ** 2;
    if (y < 0 || Math.abs(x) > trunk) return null;
    return shade([0.4, 0.27, 0.17], 0.65 + 0.6 * noise(300 * u, 40 * v));
  }
  return { left: centre - size, right: centre + size, top: crown - size, bottom, paint };
}

/** A hot-air balloon with coloured gores. */
export function balloon(centre: number, middle: number, radius: number): SceneObject {
  function paint(u: number, v: number): Rgb | null {
    const [x, y] = [(u - centre) / radius, (v - middle) / radius];
    const half = y < 0 ? Math.sqrt(Math.max(0, 1 - y * y)) : Math.cos(y * 1.05) ** 0.8;
    if (y < 1.3 && Math.abs(x) < half) {
      const across = Math.asin(x / half);
      const gore = Math.floor((across / Math.PI + 0.5) * 10 + 100);
      const light = 0.66 + 0.4 * Math.cos(across - 0.5);
      const belt = Math.abs(y - 0.12) < 0.07;
      return shade(belt ? [0.15, 0.2, 0.4] : GORES[gore % GORES.length], light);
    }
    if (Math.abs(x) < 0.17 && y > 1.62 && y < 1.85) {
      return shade([0.55, 0.36, 0.18], (Math.floor(x * 40) + Math.floor(y * 40)) % 2 === 0 ? 1.1 : 0.75);
    }
    const rope = y > 1.2 && y <= 1.62 && Math.abs(Math.abs(x) - 0.15) < 0.018;
    return rope ? [0.25, 0.2, 0.16] : null;
  }
  return {
    left: centre - radius,
    right: centre + radius,
    top: middle - radius,
    bottom: middle + 1.86 * radius,
    paint,
  };
}

/** A board on two posts that reads `text`; `width` is that of the board. */
export function sign(text: string, left: number, top: number, width: number, bottom: number): SceneObject {
  const columns = text.length * 6 + 3;
  const cell = width / columns;
  const height = 11 * cell;
  function paint(u: number, v: number): Rgb | null {
    const [x, y] = [(u - left) / cell, (v - top) / cell];
    if (v > top + height) {
      const post = Math.abs(Math.abs(x - columns / 2) - columns * 0.32) < 0.9;
      return post ? shade([0.42, 0.3, 0.2], x % 2 < 1 ? 1 : 0.85) : null;
    }
    if (x < 0.7 || x > columns - 0.7 || y < 0.7 || y > 10.3) return [0.2, 0.15, 0.1];
    const index = Math.floor((x - 2) / 6);
    const pixel = LETTERS[text[index]]?.[Math.floor(y - 2)]?.[Math.floor(x - 2 - 6 * index)];
    return pixel === "#" ? [0.08, 0.1, 0.3] : [0.97, 0.94, 0.84];
  }
  return { left, right: left + width, top, bottom, paint };
}

/** White pickets on two rails, along the whole picture. */
export function fence(noise: Noise, right: number, top: number, bottom: number): SceneObject {
  const pitch = 0.027;
  function paint(u: number, v: number): Rgb | null {
    const picket = Math.floor(u / pitch);
    const x = (u / pitch - picket - 0.5) * pitch;
    const tip = top + 0.006 * noise(picket, 3.5) + 1.1 * Math.abs(x);
    const bright = 0.9 + 0.1 * noise(picket + 0.5, 9.5) - (x > 0.004 ? 0.2 : 0);
    if (Math.abs(x) < 0.0075 && v > tip) {
      return shade([0.98, 0.97, 0.94], bright - 0.25 * noise(500 * x + picket, 30 * v) * 0.5);
    }
    const rail = Math.abs(v - (top + 0.028)) < 0.005 || Math.abs(v - (bottom - 0.022)) < 0.005;
    return rail ? [0.7, 0.69, 0.68] : null;
  }
  return { left: 0, right, top, bottom, paint };
}
