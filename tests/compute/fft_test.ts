import assert from "node:assert/strict";
import { Arena } from "../../src/compute/cpu/arena.ts";
import { fft } from "../../src/compute/cpu/fft.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { Device } from "../../src/compute/device.ts";
import { FftPlanner, isChirp } from "../../src/compute/fft/plan.ts";
import type { FftKernel } from "../../src/compute/kernel.ts";
import { randomValues, runKernel } from "./oracle.ts";
import { ignore, sharedDevice } from "./webgpu_open.ts";

const LENGTHS = [
  ...Array.from({ length: 70 }, (_, i) => i + 1),
  ...[97, 100, 101, 128, 243, 251, 256, 500, 509, 512, 1000, 1021, 1024, 2048, 4096],
];

/** Runs a test on both backends. */
function onBoth(name: string, body: (device: Device) => Promise<void>): void {
  Deno.test(`fft: ${name} [cpu]`, () => body(new CpuDevice()));
  Deno.test({
    name: `fft: ${name} [webgpu]`,
    ignore,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => await body(await sharedDevice()),
  });
}

function kernelOf(fields: Partial<FftKernel> & { length: number }): FftKernel {
  return { kind: "fft", batch: 1, outer: 1, inner: 1, inverse: false, scale: 1, origin: 0, ...fields };
}

function valuesOf({ batch, outer, length, inner }: FftKernel): number {
  return batch * 2 * outer * length * inner;
}

/** Places of one line's real parts in the order of index 0, 1, ...; imaginary parts lie one plane behind. */
function linePlaces(kernel: FftKernel, line: number): number[] {
  const { outer, length, inner, origin } = kernel;
  const block = Math.floor(line / inner);
  const start = (block + Math.floor(block / outer) * outer) * length * inner + line % inner;
  return Array.from({ length }, (_, n) => start + ((n + origin) % length) * inner);
}

/** The transform of one line by its definition in float64, as real and imaginary parts. */
function lineReference(kernel: FftKernel, x: Float32Array, places: number[]): [Float64Array, Float64Array] {
  const { length, scale } = kernel;
  const plane = kernel.outer * length * kernel.inner;
  const [cos, sin] = [Math.cos, Math.sin].map((wave) =>
    Float64Array.from({ length }, (_, k) => wave((2 * Math.PI * k) / length))
  );
  const sign = kernel.inverse ? 1 : -1;
  const [xRe, xIm] = [0, plane].map((part) => Float64Array.from(places, (place) => x[place + part]));
  const [re, im] = [new Float64Array(length), new Float64Array(length)];
  for (let k = 0; k < length; k++) {
    let sumRe = 0;
    let sumIm = 0;
    for (let n = 0, turn = 0; n < length; n++) {
      const c = cos[turn];
      const s = sign * sin[turn];
      sumRe += xRe[n] * c - xIm[n] * s;
      sumIm += xRe[n] * s + xIm[n] * c;
      turn += k;
      if (turn >= length) turn -= length;
    }
    re[k] = scale * sumRe;
    im[k] = scale * sumIm;
  }
  return [re, im];
}

/** ||actual - expected|| / ||expected|| over the first and last lines, `count` of each. */
function errorOnLines(kernel: FftKernel, x: Float32Array, actual: Float32Array, count: number): number {
  const { batch, outer, length, inner } = kernel;
  const lines = batch * outer * inner;
  const plane = outer * length * inner;
  let error = 0;
  let norm = 0;
  for (let line = 0; line < lines; line++) {
    if (line >= count && line < lines - count) continue;
    const places = linePlaces(kernel, line);
    const [re, im] = lineReference(kernel, x, places);
    places.forEach((place, k) => {
      error += (actual[place] - re[k]) ** 2 + (actual[place + plane] - im[k]) ** 2;
      norm += re[k] ** 2 + im[k] ** 2;
    });
  }
  return Math.sqrt(error / norm);
}

/** Whether all prime factors of a length are among `primes`. */
function isProductOf(length: number, primes: number[]): boolean {
  const rest = primes.reduce((left, prime) => {
    while (left % prime === 0) left /= prime;
    return left;
  }, length);
  return rest === 1;
}

function tolerance(length: number): number {
  return isProductOf(length, [2, 3, 5, 7, 11, 13]) ? 2e-6 : 1e-5;
}

async function assertKernel(device: Device, kernel: FftKernel, count = Infinity): Promise<void> {
  const x = randomValues(valuesOf(kernel), kernel.length);
  const actual = await runKernel(device, kernel, [x], new Float32Array(x.length).fill(NaN));
  assert.ok(actual.every(Number.isFinite), `${JSON.stringify(kernel)}: every value is written`);
  const error = errorOnLines(kernel, x, actual, count);
  assert.ok(error <= tolerance(kernel.length), `${JSON.stringify(kernel)}: error ${error}`);
}

onBoth("every length, forward along the last axis and inverse along a middle one", async (device) => {
  for (const length of LENGTHS) {
    await assertKernel(device, kernelOf({ length, outer: 3 }), 1);
    await assertKernel(device, kernelOf({ length, inner: 5, inverse: true, scale: 1 / length }), 1);
  }
});

onBoth("any batch, axis and number of lines", async (device) => {
  for (const length of [1, 2, 3, 12, 17, 60]) {
    for (const batch of [1, 3]) {
      for (const outer of [1, 2]) {
        for (const inner of [1, 2, 3, 4, 7, 16, 21]) {
          await assertKernel(device, kernelOf({ length, batch, outer, inner, scale: 0.5 }));
        }
      }
    }
  }
});

onBoth("index 0 anywhere", async (device) => {
  for (const [length, origin] of [[2, 1], [9, 4], [17, 8], [64, 1], [64, 63], [4096, 2048]]) {
    await assertKernel(device, kernelOf({ length, outer: 5, origin }), 1);
    await assertKernel(device, kernelOf({ length, inner: 6, origin, inverse: true }), 1);
  }
});

onBoth("the inverse of the forward transform is the identity, and norms agree", async (device) => {
  for (const length of [1, 7, 97, 360, 1009, 6000, 10007]) {
    const forward = kernelOf({ length, batch: 2 });
    const x = randomValues(valuesOf(forward), 3);
    const spectrum = await runKernel(device, forward, [x], new Float32Array(x.length));
    const back = kernelOf({ length, batch: 2, inverse: true, scale: 1 / length });
    const restored = await runKernel(device, back, [spectrum], new Float32Array(x.length));
    const norm = Math.hypot(...x);
    const difference = Math.hypot(...restored.map((value, i) => value - x[i]));
    assert.ok(difference <= 5e-6 * norm, `${length}: ${difference / norm}`);
    assert.ok(Math.abs(Math.hypot(...spectrum) / Math.sqrt(length) - norm) <= 2e-6 * norm, `${length}: norm`);
  }
});

onBoth("nothing to transform", async (device) => {
  for (
    const kernel of [
      kernelOf({ length: 5, batch: 0 }),
      kernelOf({ length: 0 }),
      kernelOf({ length: 5, inner: 0 }),
    ]
  ) {
    assert.equal((await runKernel(device, kernel, [new Float32Array(0)], new Float32Array(0))).length, 0);
  }
});

onBoth("a line of impulses becomes a wave of exact length", async (device) => {
  const kernel = kernelOf({ length: 8 });
  const x = new Float32Array(16);
  x[1] = 1;
  const spectrum = await runKernel(device, kernel, [x], new Float32Array(16));
  spectrum.forEach((value, i) => {
    const angle = (-2 * Math.PI * (i % 8)) / 8;
    assert.ok(Math.abs(value - (i < 8 ? Math.cos(angle) : Math.sin(angle))) < 1e-6);
  });
});

onBoth("memory is given back", async (device) => {
  const before = device.memory().live;
  for (const length of [512, 509, 8192]) {
    const kernel = kernelOf({ length, inner: 4 });
    await runKernel(device, kernel, [randomValues(valuesOf(kernel))], new Float32Array(valuesOf(kernel)));
  }
  const factors = 8 * (512 + 509 + 1024 + 1024 + 8192) * 1.2;
  assert.ok(device.memory().live - before <= factors, "only tables of factors stay");
});

onBoth("more lines than one row of workgroups takes", async (device) => {
  await assertKernel(device, kernelOf({ length: 2, inner: 1_100_000 }), 3);
});

Deno.test("fft: arrays outside the arena are staged [cpu]", () => {
  const kernel = kernelOf({ length: 6, batch: 2, outer: 2, inner: 5 });
  const x = randomValues(valuesOf(kernel));
  const out = new Float32Array(x.length);
  const arena = new Arena();
  fft(arena, kernel, x, out);
  assert.ok(errorOnLines(kernel, x, out, Infinity) < 1e-6);
  assert.equal(arena.live, 0);
});

Deno.test("fft: radices multiply to the length, and other lengths become convolutions", () => {
  const planner = new FftPlanner({ 2: 1, 3: 1.2, 4: 1.5, 5: 2 });
  for (let length = 1; length <= 300; length++) {
    const plan = planner.plan(length);
    const smooth = isChirp(plan) ? plan.convolution : plan;
    assert.equal(smooth.stages.reduce((product, { radix }) => product * radix, 1), smooth.length);
    if (isChirp(plan)) assert.ok(smooth.length >= 2 * length - 1 && smooth.length < 4 * length);
    else assert.equal(smooth.length, length);
    assert.equal(isChirp(plan), !isProductOf(length, [2, 3, 5]));
  }
});
