/**
 * How fast is a 3x3 convolution? Milliseconds per layer of a chain of eight, from planes to planes, beside
 * onnxruntime-web, at 64 channels of 256 x 256 and at the levels of the small DRUNet on a 384 x 384 tile.
 *
 *     deno run -A --no-lock bench/conv3x3.ts [--rounds 7] [--layers 8] [cpu] [gpu] [ort-wasm] [ort-webgpu]
 *
 * Contestants take turns, the smallest time counts. All results are compared with the first contestant's.
 */
import { parseArgs } from "node:util";
import type { Device } from "../src/compute/device.ts";
import { openDevice } from "../src/compute/open.ts";
import { openChain } from "./peers/onnxruntime_web.ts";

const SIZES = [[64, 256], [16, 384], [32, 192], [64, 96], [128, 48]] as const;
const CONTESTANTS = ["cpu", "gpu", "ort-wasm", "ort-webgpu"] as const;

type Contestant = (typeof CONTESTANTS)[number];

interface Chain {
  run(x: Float32Array): Promise<Float32Array>;
  close(): void | Promise<void>;
}

/** The same chain through our convolution engine. */
function ourChain(
  device: Device,
  channels: number,
  size: number,
  weights: Float32Array,
  layers: number,
): Chain {
  const spec = {
    op: "conv3x3",
    inChannels: channels,
    outChannels: channels,
    bias: false,
    activation: "none",
    addends: 0,
  } as const;
  const layer = device.conv.prepare(spec, weights);
  const planes = device.allocate(channels * size * size);
  const [first, second] = [1, 2].map(() => device.conv.allocate(channels, size, size));
  return {
    run(x) {
      device.write(planes, x);
      device.conv.pack(planes, 0, first);
      let [from, to] = [first, second];
      for (let i = 0; i < layers; i++, [from, to] = [to, from]) device.conv.apply(layer, from, to, []);
      device.conv.unpack(from, planes, 0);
      return device.read(planes);
    },
    close() {
      device.conv.discard(layer);
      device.conv.release(first);
      device.conv.release(second);
      device.release(planes);
    },
  };
}

function random(length: number, scale: number): Float32Array {
  return new Float32Array(length).map(() => scale * (Math.random() - 0.5));
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let scale = Number.MIN_VALUE;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return difference / scale;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "7" }, layers: { type: "string", default: "8" } },
});
const unknown = positionals.find((name) => !CONTESTANTS.includes(name as Contestant));
if (unknown !== undefined) {
  console.error(`Unknown contestant ${unknown}; choose from ${CONTESTANTS.join(", ")}`);
  Deno.exit(2);
}
const names = positionals.length > 0 ? positionals as Contestant[] : [...CONTESTANTS];
const rounds = Number(values.rounds);
const layers = Number(values.layers);

const devices = new Map<Contestant, Device>();
for (const name of names) if (name === "cpu" || name === "gpu") devices.set(name, await openDevice(name));
for (const [name, device] of devices) console.log(`${name}: ${device.name}`);

console.log(
  `ms per layer of ${layers}, smallest of ${rounds} (GFLOP/s of the direct definition; difference)`,
);
for (const [channels, size] of SIZES) {
  const weights = random(channels * channels * 9, 2 / Math.sqrt(channels));
  const x = random(channels * size * size, 1);
  const chains = new Map<Contestant, Chain>();
  for (const name of names) {
    const device = devices.get(name);
    const provider = name === "ort-wasm" ? "wasm" : "webgpu";
    chains.set(
      name,
      device
        ? ourChain(device, channels, size, weights, layers)
        : await openChain(provider, channels, size, weights, layers),
    );
  }
  const best = new Map<Contestant, number>();
  const results = new Map<Contestant, Float32Array>();
  for (let round = 0; round <= rounds; round++) {
    for (const [name, chain] of chains) {
      const start = performance.now();
      const result = await chain.run(x);
      const elapsed = (performance.now() - start) / layers;
      if (round === 0) results.set(name, result.slice());
      else best.set(name, Math.min(best.get(name) ?? Infinity, elapsed));
    }
  }
  for (const chain of chains.values()) await chain.close();
  const operations = 2 * 9 * channels * channels * size * size;
  const cells = names.map((name) => {
    const ms = best.get(name)!;
    const difference = relativeDifference(results.get(name)!, results.get(names[0])!);
    const speed = (operations / ms / 1e6).toFixed(0);
    return `${name} ${ms.toFixed(2)} (${speed}; ${difference.toExponential(0)})`;
  });
  console.log(`${channels} channels, ${size} x ${size}:  ${cells.join("  ")}`);
}
for (const device of devices.values()) device.close();
