import assert from "node:assert/strict";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { Device } from "../../src/compute/device.ts";
import type { RadonKernel } from "../../src/compute/kernel.ts";
import { randomValues, relativeError, runKernel } from "./oracle.ts";
import { ignore, sharedDevice } from "./webgpu_open.ts";

/** Runs a test on both backends. */
function onBoth(name: string, body: (device: Device) => Promise<void>): void {
  Deno.test(`radon: ${name} [cpu]`, () => body(new CpuDevice()));
  Deno.test({
    name: `radon: ${name} [webgpu]`,
    ignore,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => await body(await sharedDevice()),
  });
}

/** Calls `visit` with every ray value's and image value's place and weight in `project`, by the definition in float64. */
function eachWeight(
  kernel: RadonKernel,
  directions: Float32Array,
  visit: (ray: number, pixel: number, weight: number) => void,
): void {
  const { planes, size, detectors, angles, steps, centre, spacing, divergence } = kernel;
  for (let view = 0; view < angles; view++) {
    const [cos, sin] = directions.subarray(2 * view);
    for (let i = 0; i < detectors; i++) {
      for (let j = 0; j < steps; j++) {
        const along = j - (steps - 1) / 2;
        const across = (i - (detectors - 1) / 2) * (spacing + divergence * along);
        const x = centre + along * sin + across * cos, y = centre + along * cos - across * sin;
        for (const row of [Math.floor(y), Math.floor(y) + 1]) {
          for (const column of [Math.floor(x), Math.floor(x) + 1]) {
            if (row < 0 || column < 0 || row >= size || column >= size) continue;
            const weight = (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
            for (let plane = 0; plane < planes; plane++) {
              const ray = (plane * detectors + i) * angles + view;
              visit(ray, (plane * size + row) * size + column, weight);
            }
          }
        }
      }
    }
  }
}

function directionsOf(angles: number): Float32Array {
  return Float32Array.from(
    { length: 2 * angles },
    (_, k) => (k % 2 === 0 ? Math.cos : Math.sin)(0.1 + Math.floor(k / 2) * Math.PI / angles),
  );
}

function kernelOf(fields: Partial<RadonKernel>): RadonKernel {
  const { size = 5 } = fields;
  return {
    kind: "radon",
    mode: "project",
    planes: 1,
    size,
    detectors: size + 2,
    angles: 3,
    steps: size + 3,
    centre: (size - 1) / 2,
    spacing: 1,
    divergence: 0,
    ...fields,
  };
}

onBoth(
  "projection and adjoint follow the definition, for rays that run parallel or apart",
  async (device) => {
    for (
      const kernel of [
        kernelOf({}),
        kernelOf({ size: 1, angles: 1 }),
        kernelOf({ size: 40, planes: 3, angles: 13, detectors: 57, steps: 57, centre: 20.5 }),
        kernelOf({ size: 23, planes: 2, angles: 7, detectors: 90, spacing: 0.3, divergence: -0.01 }),
        kernelOf({ size: 12, angles: 9, detectors: 4, spacing: 3.5, divergence: 0.2 }),
        kernelOf({ size: 3, angles: 4001 }),
        kernelOf({ size: 17, angles: 8, detectors: 4, steps: 6 }),
        kernelOf({ size: 2, angles: 61_000, detectors: 3 }),
      ]
    ) {
      const directions = directionsOf(kernel.angles);
      const imageValues = kernel.planes * kernel.size ** 2;
      const rayValues = kernel.planes * kernel.detectors * kernel.angles;
      const image = randomValues(imageValues, 3), rays = randomValues(rayValues, 4);
      const projected = new Float64Array(rayValues), spread = new Float64Array(imageValues);
      eachWeight(kernel, directions, (ray, pixel, weight) => {
        projected[ray] += weight * image[pixel];
        spread[pixel] += weight * rays[ray];
      });
      const shape = `${kernel.size}, ${kernel.angles} angles`;
      const forward = await runKernel(
        device,
        kernel,
        [image, directions],
        new Float32Array(rayValues).fill(9),
      );
      assert.ok(
        relativeError(forward, projected) < 1e-5,
        `project, ${shape}: ${relativeError(forward, projected)}`,
      );
      const adjoint: RadonKernel = { ...kernel, mode: "adjoint" };
      const back = await runKernel(
        device,
        adjoint,
        [rays, directions],
        new Float32Array(imageValues).fill(9),
      );
      assert.ok(relativeError(back, spread) < 1e-5, `adjoint, ${shape}: ${relativeError(back, spread)}`);
    }
  },
);

onBoth("interpolation samples every view at the pixel's place", async (device) => {
  const kernel = kernelOf({ mode: "interpolate", size: 11, planes: 2, angles: 5, detectors: 8 });
  const { size, planes, angles, detectors, centre } = kernel;
  const directions = directionsOf(angles), rays = randomValues(planes * detectors * angles, 6);
  const expected = Float64Array.from({ length: planes * size * size }, (_, k) => {
    const plane = Math.floor(k / size ** 2), row = Math.floor(k / size) % size, column = k % size;
    let sum = 0;
    for (let view = 0; view < angles; view++) {
      const [cos, sin] = directions.subarray(2 * view);
      const place = (detectors - 1) / 2 + (column - centre) * cos - (row - centre) * sin;
      for (let i = 0; i < detectors; i++) {
        sum += Math.max(0, 1 - Math.abs(i - place)) * rays[(plane * detectors + i) * angles + view];
      }
    }
    return sum;
  });
  const actual = await runKernel(device, kernel, [rays, directions], new Float32Array(expected.length));
  assert.ok(relativeError(actual, expected) < 1e-5);
});

onBoth("no images are no work", async (device) => {
  const kernel = kernelOf({ planes: 0 });
  const nothing = new Float32Array(0);
  assert.equal((await runKernel(device, kernel, [nothing, directionsOf(3)], nothing)).length, 0);
});
