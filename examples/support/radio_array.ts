import { Philox, Tensor } from "@deepinv/distributed";

/** A radio sky in [0, 1], (1, 1, size, size): extended sources, a shell, and points on a dark background. */
export function radioSky(size: number, seed: number): Tensor {
  const draws = new Float32Array(400);
  new Philox(seed).fillUniform(draws);
  let next = 0;
  const draw = (from: number, to: number) => from + (to - from) * draws[next++];
  const clouds = Array.from({ length: 6 }, () => ({
    at: [draw(0.2, 0.8), draw(0.2, 0.8)],
    axes: [draw(0.012, 0.035), draw(0.012, 0.025)],
    angle: draw(0, Math.PI),
    flux: draw(0.2, 0.6),
  }));
  const points = Array.from({ length: 40 }, () => ({
    at: [draw(0.08, 0.92), draw(0.08, 0.92)],
    flux: draw(0.3, 1),
  }));
  const values = new Float32Array(size * size);
  for (let k = 0; k < values.length; k++) {
    const row = (Math.floor(k / size) + 0.5) / size, column = (k % size + 0.5) / size;
    for (const { at, axes, angle, flux } of clouds) {
      const [r, c] = [row - at[0], column - at[1]];
      const along = (c * Math.cos(angle) + r * Math.sin(angle)) / axes[0];
      const across = (r * Math.cos(angle) - c * Math.sin(angle)) / axes[1];
      values[k] += flux * Math.exp(-(along * along + across * across) / 2);
    }
    const ring = (Math.hypot(row - 0.35, column - 0.65) - 0.07) / 0.01;
    values[k] += 0.4 * Math.exp(-ring * ring / 2);
    for (const { at, flux } of points) {
      const distance = Math.hypot(row - at[0], column - at[1]) * size;
      if (distance < 5) values[k] += flux * Math.exp(-distance * distance / 2);
    }
  }
  return Tensor.from(values.map((value) => Math.min(value, 1)), [1, 1, size, size]);
}

/**
 * The spatial frequencies (2, K), in radians per pixel, that an array of antennas on three arms sees while the Earth turns
 * under a source for eight hours: one ellipse of `times` samples for every pair of antennas.
 */
export function earthRotation(antennas: number, times: number): Tensor {
  const places = Array.from({ length: antennas }, (_, k) => {
    const radius = (1 + Math.floor(k / 3)) ** 1.7,
      arm = 2 * Math.PI * (k % 3) / 3 + 0.1 * Math.floor(k / 3) / antennas;
    return [radius * Math.cos(arm), radius * Math.sin(arm)];
  });
  const rows: number[] = [], columns: number[] = [];
  for (let t = 0; t < times; t++) {
    const turn = ((t + 0.5) / times - 0.5) * (8 / 12) * Math.PI;
    for (let a = 0; a < antennas; a++) {
      for (let b = 0; b < a; b++) {
        const x = places[a][0] - places[b][0], y = places[a][1] - places[b][1];
        columns.push(x * Math.cos(turn) - y * Math.sin(turn));
        rows.push(0.8 * (x * Math.sin(turn) + y * Math.cos(turn)));
      }
    }
  }
  const reach = rows.reduce((most, row, k) => Math.max(most, Math.hypot(row, columns[k])), 0);
  return Tensor.from([...rows, ...columns].map((value) => 0.9 * Math.PI * value / reach), [2, rows.length]);
}
