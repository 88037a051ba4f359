/** The background of the scene: sky with sun and clouds, mountains with snow, hills with fields, a meadow. */
import type { Philox } from "../philox.ts";
import { mix, type Rgb, shade } from "./colour.ts";
import { fractal, type Noise, smoothstep, valueNoise } from "./value_noise.ts";

/** The colour at a point: u to the right, v downwards, the picture's height being 1. */
export type Painter = (u: number, v: number) => Rgb;

/** Where the meadow begins, and above which there is only sky. */
const MEADOW_TOP = 0.7;
const PEAKS = 0.3;

const FLOWERS: readonly Rgb[] = [[0.92, 0.16, 0.14], [0.98, 0.85, 0.2], [0.97, 0.96, 0.93], [
  0.6,
  0.28,
  0.75,
]];

/** The whole background, nearest layer first. */
export function landscape(random: Philox, aspect: number): Painter {
  const noise = valueNoise(random);
  const phase = 40 * random.uniform();
  const sky = paintSky(noise, aspect * (0.72 + 0.16 * random.uniform()), 0.13 + 0.05 * random.uniform());
  const rough = fractal(noise, 5);
  const gentle = fractal(noise, 3);
  const edge = (height: number, spread: number, frequency: number, row: number) => (u: number) =>
    height + spread * (gentle(frequency * u + phase, row) - 0.5);
  const [meadow, near, far] = [edge(0.7, 0.02, 2, 3), edge(0.6, 0.1, 1.7, 11), edge(0.53, 0.16, 1.3, 23)];
  return (u, v) => {
    if (v > 0.71 || (v > 0.69 && v > meadow(u))) return paintMeadow(noise, u, v);
    if (v > 0.55 && v > near(u)) return paintField(noise, u, v, v - near(u), [0.36, 0.52, 0.2], 1);
    if (v > 0.45 && v > far(u)) return paintField(noise, u, v, v - far(u), [0.5, 0.62, 0.33], -1);
    if (v < PEAKS) return sky(u, v);
    const ridge = ridgeLine(rough, u + phase);
    return v > ridge ? paintMountain(noise, u, v, v - ridge) : sky(u, v);
  };
}

/** The outline of the mountains: pointed peaks where the noise crosses 1/2. */
function ridgeLine(rough: Noise, u: number): number {
  const broad = 1 - Math.abs(2 * rough(1.9 * u, 31) - 1);
  return Math.max(PEAKS, 0.9 - 0.56 * broad + 0.05 * (rough(14 * u, 77) - 0.5));
}

function paintSky(noise: Noise, sunU: number, sunV: number): Painter {
  const clouds = fractal(noise, 5);
  return (u, v) => {
    const gradient = v < 0.28
      ? mix([0.17, 0.42, 0.8], [0.52, 0.75, 0.94], v / 0.28)
      : mix([0.52, 0.75, 0.94], [0.97, 0.9, 0.8], Math.min(1, (v - 0.28) / 0.24));
    const distance = Math.hypot(u - sunU, v - sunV);
    if (distance < 0.045) return [1, 0.95, 0.72];
    const glowing = mix(gradient, [1, 0.93, 0.7], 0.75 * Math.exp(-(distance - 0.045) / 0.09));
    const cover = smoothstep(0.52, 0.74, clouds(3.2 * u + 9, 8 * v + 2));
    return mix(glowing, [0.98, 0.97, 0.96], 0.85 * cover);
  };
}

function paintMountain(noise: Noise, u: number, v: number, depth: number): Rgb {
  const crag = 0.6 * noise(60 * u + 20 * v, 40 * v) + 0.4 * noise(150 * u - 60 * v, 110 * v);
  const light = smoothstep(0.35, 0.65, 0.65 * noise(26 * u + 30 * v, 12 * v) + 0.35 * crag);
  const snow = smoothstep(
    0.02,
    -0.02,
    v - 0.4 - 0.3 * (crag - 0.5) - 0.12 * (noise(9 * u, 4.5) - 0.5) + 0.15 * depth,
  );
  const rock = mix([0.29, 0.33, 0.45], [0.62, 0.6, 0.64], light);
  const color = mix(rock, shade([0.97, 0.98, 1], 0.74 + 0.26 * light), snow);
  return mix(color, [0.72, 0.8, 0.88], 0.6 * smoothstep(0.36, 0.6, v));
}

/** A hill with ploughed or planted rows that converge with the distance, in patches of different crops. */
function paintField(noise: Noise, u: number, v: number, depth: number, color: Rgb, lean: number): Rgb {
  const patch = Math.floor((u + lean * 0.9 * depth) * 6);
  const crop = noise(patch * 7.31 + 0.5, 50.5 + lean);
  const tint: Rgb = crop > 0.62 ? [0.8, 0.7, 0.3] : crop < 0.35 ? shade(color, 0.75) : color;
  const row = Math.sin((u * (90 + 60 * crop) + lean * 260 * depth) * 2);
  const grain = noise(260 * u, 260 * v);
  return shade(tint, 0.78 + 0.12 * (row > 0 ? 1 : -0.6) + 0.3 * grain);
}

/** Grass: fine blades that grow coarser towards the viewer, and flowers on a jittered grid. */
function paintMeadow(noise: Noise, u: number, v: number): Rgb {
  const near = (v - MEADOW_TOP) / (1 - MEADOW_TOP);
  const flower = v > 0.79 ? flowerAt(noise, u, v) : null;
  if (flower) return flower;
  const scale = 300 - 150 * near;
  const blades = noise(scale * u + 9 * noise(14 * u, 30 * v), 0.22 * scale * v);
  const clumps = noise(9 * u, 22 * v);
  const base = mix([0.2, 0.38, 0.1], [0.52, 0.66, 0.22], 0.65 * blades + 0.35 * clumps);
  return shade(base, 0.8 + 0.35 * near * (blades - 0.2));
}

function flowerAt(noise: Noise, u: number, v: number): Rgb | null {
  const size = 0.026;
  const [i, j] = [Math.floor(u / size), Math.floor(v / size)];
  const kind = noise(i + 100, j + 100);
  if (kind < 0.56) return null;
  const centre = [(i + 0.3 + 0.4 * noise(i, j + 60)) * size, (j + 0.3 + 0.4 * noise(i + 60, j)) * size];
  const [du, dv] = [u - centre[0], v - centre[1]];
  const radius = Math.hypot(du, dv);
  if (radius < 0.0024) return [0.95, 0.7, 0.1];
  const petals = 0.0058 + 0.0022 * Math.cos(5 * Math.atan2(dv, du));
  return radius < petals ? FLOWERS[Math.floor(kind * 97) % FLOWERS.length] : null;
}
