/**
 * What does a rank's share of the cores bring? Milliseconds of each kernel of the cpu backend on one thread and on the
 * share, and their ratio.
 *
 *     deno run -A bench/threads.ts [--threads 2] [--rounds 7]
 *
 * The two take turns; the smallest times count. Results are compared bit by bit.
 */
import { parseArgs } from "node:util";
import { CpuDevice } from "../src/compute/cpu/device.ts";
import type { Kernel, MapFunction } from "../src/compute/kernel.ts";
import { griddingTable } from "../src/tensor/ops/gridding.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: String(navigator.hardwareConcurrency) },
    rounds: { type: "string", default: "7" },
  },
});
const devices = [1, Number(values.threads)].map((threads) => new CpuDevice({ threads }));

/** A kernel with the lengths of its inputs and output. */
type Task = readonly [
  name: string,
  kernel: Kernel,
  inputs: readonly (number | Float32Array)[],
  output: number,
];

const side = 512, planes = 3, pixels = planes * side * side;
const view = { offset: 0, strides: [1] };
const map = (fn: MapFunction, inputs: number, length: number): Task => [
  `${fn}, ${length} values`,
  { kind: "map", fn, shape: [length], inputs: Array(inputs).fill(view), output: view, scalars: [0.5, 0.75] },
  Array(inputs).fill(length),
  length,
];
const angles = 180;
const directions = Float32Array.from(
  { length: 2 * angles },
  (_, k) => (k % 2 === 0 ? Math.cos : Math.sin)(Math.floor(k / 2) * Math.PI / angles),
);
const scan = { kind: "radon", planes: 1, size: side, detectors: side, angles, steps: side } as const;
const rays = { centre: (side - 1) / 2, spacing: 1, divergence: 0 } as const;
const samples = 200_000;
const place = () => Int32Array.from({ length: samples }, () => Math.floor(1024 * Math.random()));
const weights = Float32Array.from({ length: 12 * samples }, () => Math.random());
const table = griddingTable({ height: 1024, width: 1024, taps: 6, rows: place(), columns: place(), weights });
const gridding = { kind: "gridding", planes: 2, table } as const;
const layer = {
  batch: 1,
  inChannels: 16,
  outChannels: 16,
  height: 128,
  width: 128,
  kernelHeight: 3,
} as const;
const options = { kernelWidth: 3, stride: 1, padding: 1, groups: 1, transposed: false } as const;

const TASKS: readonly Task[] = [
  map("add", 2, pixels),
  map("add", 2, 8 * pixels),
  map("exp", 1, pixels),
  ["sum", { kind: "reduce", fn: "sum", rows: 1, length: 8 * pixels }, [8 * pixels], 1],
  ["project", { ...scan, ...rays, mode: "project" }, [side * side, directions], side * angles],
  ["its adjoint", { ...scan, ...rays, mode: "adjoint" }, [side * angles, directions], side * side],
  ["interpolate samples", { ...gridding, mode: "interpolate" }, [2 * 1024 * 1024], 2 * samples],
  ["spread samples", { ...gridding, mode: "spread" }, [2 * samples], 2 * 1024 * 1024],
  ["convolve", { kind: "convolve", ...layer, ...options }, [16 * 128 * 128, 16 * 16 * 9], 16 * 128 * 128],
  [
    "median 3 x 3",
    { kind: "median", planes, height: side, width: side, windowHeight: 3, windowWidth: 3 },
    [pixels],
    planes * (side - 2) ** 2,
  ],
  [
    "fft",
    { kind: "fft", batch: 1, outer: side, length: side, inner: 1, inverse: false, scale: 1, origin: 0 },
    [2 * side * side],
    2 * side * side,
  ],
];

console.log(`ms on 1 and ${values.threads} threads, smallest of ${values.rounds}, and their ratio`);
for (const [name, kernel, inputs, length] of TASKS) {
  const data = inputs.map((own) => typeof own === "number" ? random(own) : own);
  const runs = devices.map((device) => {
    const sources = data.map((own) => {
      const buffer = device.allocate(own.length);
      device.write(buffer, own);
      return buffer;
    });
    return { device, sources, output: device.allocate(length), best: Infinity };
  });
  for (let round = -2; round < Number(values.rounds); round++) {
    for (const run of runs) {
      const start = performance.now();
      run.device.run(kernel, run.sources, run.output);
      if (round >= 0) run.best = Math.min(run.best, performance.now() - start);
    }
  }
  const [one, many] = await Promise.all(runs.map(({ device, output }) => device.read(output)));
  if (one.some((value, i) => !Object.is(value, many[i]))) throw new Error(`${name}: different bits`);
  const [single, shared] = runs.map(({ best }) => best);
  console.log(
    `${name.padEnd(24)} ${single.toFixed(2).padStart(8)} ${shared.toFixed(2).padStart(8)}  x${
      (single / shared).toFixed(2)
    }`,
  );
  for (const { device, sources, output } of runs) {
    for (const buffer of [...sources, output]) device.release(buffer);
  }
}
devices.forEach((device) => device.close());

function random(length: number): Float32Array {
  return Float32Array.from({ length }, () => Math.random());
}
