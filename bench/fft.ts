/**
 * How fast is a complex 2-D Fourier transform? Milliseconds of one transform of planes that lie on the device, ours on
 * both backends, beside the npm package fft.js and NumPy, all in float32 but fft.js.
 *
 *     deno run -A --no-lock bench/fft.ts [--rounds 15] [--sizes 256,512,1024,1021]
 *
 * Contestants take turns; medians count, the smallest time stands in brackets. Ratios are a peer's median over ours on
 * the cpu. Results are compared with fft.js where it has the length.
 */
import { parseArgs } from "node:util";
import type { Device } from "../src/compute/device.ts";
import { fft, openDevice, Tensor } from "../src/tensor/mod.ts";
import { openFftJs } from "./peers/fft_js.ts";
import { openNumpy } from "./peers/numpy_fft.ts";
import { median } from "./support/median.ts";
import { relativeError } from "./support/relative_error.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    sizes: { type: "string", default: "256,512,1024,1021" },
  },
});
const rounds = Number(values.rounds);
const sizes = values.sizes.split(",").map(Number);

const devices = new Map<string, Device>([["cpu", await openDevice("cpu")]]);
try {
  devices.set("gpu", await openDevice("gpu"));
} catch (error) {
  console.log(`gpu: ${(error as Error).message}`);
}
for (const [name, device] of devices) console.log(`${name}: ${device.name}`);
const numpy = await openNumpy();
console.log(numpy ? `numpy: ${numpy.version}` : "numpy: not installed");
console.log(`ms per transform, median of ${rounds} (smallest), ratio to cpu`);

for (const size of sizes) {
  const x = Float32Array.from({ length: 2 * size * size }, () => Math.random() - 0.5);
  const contestants = new Map<string, () => Promise<number>>();
  const results = new Map<string, Float32Array>();
  const tensors: Tensor[] = [];
  for (const [name, device] of devices) {
    const tensor = Tensor.from(x, [1, 2, size, size], { device });
    tensors.push(tensor);
    results.set(name, await spectrumOf(tensor));
    contestants.set(name, () => timed(tensor));
  }
  const peer = await openFftJs(size);
  if (peer) {
    const expected = peer(x).slice();
    for (const [name, result] of results) {
      const error = relativeError(result, expected);
      if (!(error < 1e-5)) throw new Error(`${name} differs from fft.js at ${size} by ${error}`);
    }
    contestants.set("fft.js", () => {
      const start = performance.now();
      peer(x);
      return Promise.resolve(performance.now() - start);
    });
  }
  if (numpy) contestants.set("numpy", () => numpy.transform(size));

  const times = new Map([...contestants.keys()].map((name) => [name, [] as number[]]));
  for (let round = -2; round < rounds; round++) {
    for (const [name, run] of contestants) {
      const ms = await run();
      if (round >= 0) times.get(name)!.push(ms);
    }
  }
  const reference = median(times.get("cpu")!);
  const cells = [...times].map(([name, all]) => {
    const middle = median(all);
    return `${name} ${middle.toFixed(2)} (${Math.min(...all).toFixed(2)}) x${
      (middle / reference).toFixed(2)
    }`;
  });
  console.log(`${size} x ${size}:  ${cells.join("  ")}${peer ? "" : "  fft.js: no such length"}`);
  for (const tensor of tensors) tensor.dispose();
}
await numpy?.close();
for (const device of devices.values()) device.close();

async function spectrumOf(tensor: Tensor): Promise<Float32Array> {
  using spectrum = fft(tensor, [-2, -1]);
  return await spectrum.data();
}

async function timed(tensor: Tensor): Promise<number> {
  const start = performance.now();
  using _spectrum = fft(tensor, [-2, -1]);
  await tensor.device.synchronize();
  return performance.now() - start;
}
