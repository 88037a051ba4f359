import { Tensor, type TensorOptions } from "../../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { requireNumber } from "./psf_size.ts";

/** Options of {@link birdcageMaps}. */
export interface BirdcageOptions extends TensorOptions {
  /** (H, W) or (2, H, W); with `threeD` (D, H, W) or (2, D, H, W). */
  imgSize: readonly number[];
  /** Number of coils N, at least 1. */
  coils: number;
  /** Whether images are volumes; default false. */
  threeD?: boolean;
  /** Distance of the coils from the centre, in half image widths; default 1.5. */
  radius?: number;
  /** Coils in a ring of a volume; default 8. */
  coilsPerRing?: number;
}

/**
 * Sensitivities of birdcage coils, as SigPy's `birdcage_maps`: coils at equal angles on a circle (a volume has rings of
 * them), each falling off as 1 / distance with the phase of its direction; divided by the root of the sum of squares, so
 * that sum_n |s_n|^2 = 1 at every pixel.
 *
 * @returns (1, N, H, W, 2) or (1, N, D, H, W, 2): real and imaginary parts, as `MultiCoilMRI` takes them
 * @throws {InvalidArgumentError} for options out of range
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { birdcageMaps, MultiCoilMRI, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const coilMaps = birdcageMaps({ imgSize: [16, 16], coils: 8 });
 * assert.deepEqual(coilMaps.shape, [1, 8, 16, 16, 2]);
 * const energy = coilMaps.square().sum([1, 4]); // sum_n |s_n|^2
 * assert.ok(await energy.sub(1).abs().max().item() < 1e-5);
 *
 * const scan = new MultiCoilMRI({ mask: Tensor.ones([16, 16]), coilMaps });
 * const x = Tensor.randn([1, 2, 16, 16], { seed: 1 });
 * assert.ok(await (await scan.A_adjoint_A(x)).sub(x).abs().max().item() < 1e-5); // so A^T A = I
 * ```
 */
export function birdcageMaps(options: BirdcageOptions): Tensor {
  const { imgSize, coils, threeD = false, radius = 1.5, coilsPerRing = 8 } = options;
  const action = "make coil maps";
  const dims = threeD ? 3 : 2;
  const spatial = imgSize.slice(-dims), channels = imgSize.length - spatial.length;
  const fits = spatial.length === dims && (channels === 0 || (channels === 1 && imgSize[0] <= 2)) &&
    imgSize.every((extent) => Number.isInteger(extent) && extent >= 1);
  if (!fits) {
    const names = threeD ? "D, H, W" : "H, W";
    throw new InvalidArgumentError(action, "imgSize", `(${names}) or (2, ${names})`, formatShape(imgSize));
  }
  for (const [name, value] of Object.entries({ coils, coilsPerRing })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new InvalidArgumentError(action, name, "a whole number >= 1", String(value));
    }
  }
  requireNumber(action, "radius", radius, 0, true);
  const [depth, height, width] = threeD ? spatial : [1, ...spatial];
  const pixels = depth * height * width;
  const ring = threeD ? coilsPerRing : coils;
  const maps = new Float64Array(2 * coils * pixels), squares = new Float64Array(pixels);
  for (let coil = 0; coil < coils; coil++) {
    const turn = 2 * Math.PI / ring, level = threeD ? Math.floor(coil / ring) : 0;
    const lift = threeD ? level - 0.5 * (Math.ceil(coils / ring) - 1) : 0;
    for (let k = 0; k < pixels; k++) {
      const column = k % width,
        row = Math.floor(k / width) % height,
        slice = Math.floor(k / (width * height));
      const x = 2 * column / width - 1 - radius * Math.cos(coil * turn);
      const y = 2 * row / height - 1 - radius * Math.sin(coil * turn);
      const z = threeD ? 2 * slice / depth - 1 - lift : 0;
      const size = 1 / Math.max(Math.hypot(x, y, z), 1e-6);
      const phase = Math.atan2(x, -y) - (coil + level) * turn;
      maps[2 * (coil * pixels + k)] = size * Math.cos(phase);
      maps[2 * (coil * pixels + k) + 1] = size * Math.sin(phase);
      squares[k] += size * size;
    }
  }
  const values = Float32Array.from(
    maps,
    (value, i) => value / Math.sqrt(squares[Math.floor(i / 2) % pixels]),
  );
  return Tensor.from(values, [1, coils, ...spatial, 2], options);
}
