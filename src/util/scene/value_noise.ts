import type { Philox } from "../philox.ts";

/** A function of the plane with values in [0, 1]. */
export type Noise = (x: number, y: number) => number;

const PERIOD = 256;

/** Value noise: random values on the integer lattice (of period 256), blended smoothly between. */
export function valueNoise(random: Philox): Noise {
  const values = new Float32Array(PERIOD * PERIOD);
  random.fillUniform(values);
  return (x, y) => {
    const i = Math.floor(x);
    const j = Math.floor(y);
    const fx = smooth(x - i);
    const fy = smooth(y - j);
    const left = i & (PERIOD - 1);
    const right = (i + 1) & (PERIOD - 1);
    const top = (j & (PERIOD - 1)) * PERIOD;
    const bottom = ((j + 1) & (PERIOD - 1)) * PERIOD;
    const upper = values[top + left] + fx * (values[top + right] - values[top + left]);
    const lower = values[bottom + left] + fx * (values[bottom + right] - values[bottom + left]);
    return upper + fy * (lower - upper);
  };
}

/** Fractal sum of `octaves` copies of `noise`, each twice as fine and half as strong, scaled to [0, 1]. */
export function fractal(noise: Noise, octaves: number): Noise {
  return (x, y) => {
    let sum = 0;
    let total = 0;
    let weight = 1;
    for (let k = 0; k < octaves; k++) {
      sum += weight * noise(x, y);
      total += weight;
      weight /= 2;
      x = 2 * x + 17.3;
      y = 2 * y + 5.7;
    }
    return sum / total;
  };
}

/** 0 below `low`, 1 above `high`, a smooth rise between. */
export function smoothstep(low: number, high: number, x: number): number {
  return smooth(Math.min(1, Math.max(0, (x - low) / (high - low))));
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
