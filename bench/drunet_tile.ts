/**
 * How long does one tile take through the layers of the small DRUNet (16-32-64-128 channels, 2 residual blocks per
 * level), and where does the time go? Random weights, straight through the convolution engine.
 *
 *     deno run -A bench/drunet_tile.ts [--size 384] [--rounds 10] [cpu | gpu]
 *
 * Smallest times of the rounds. On a GPU only the total is meaningful: work is queued, not done, when a call returns.
 */
import { parseArgs } from "node:util";
import type { ConvLayer, ConvSpec, FeatureMap } from "../src/compute/conv_engine.ts";
import { GEOMETRY, type LayerOp } from "./support/layer_graph.ts";
import { openDevice } from "../src/compute/open.ts";

const CHANNELS = [16, 32, 64, 128];
const BLOCKS = 2;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: "string", default: "384" }, rounds: { type: "string", default: "10" } },
});
const size = Number(values.size);
const device = await openDevice((positionals[0] ?? "cpu") as "cpu" | "gpu");
const { conv } = device;

function layer(
  op: LayerOp,
  inChannels: number,
  outChannels: number,
  rest: Partial<ConvSpec> = {},
): ConvLayer {
  const taps = GEOMETRY[op].kernel ** 2;
  const scale = 2 / Math.sqrt(taps * inChannels);
  const weights = new Float32Array(inChannels * outChannels * taps).map(() => scale * (Math.random() - 0.5));
  return conv.prepare(
    { ...GEOMETRY[op], inChannels, outChannels, bias: false, activation: "none", addends: 0, ...rest },
    weights,
  );
}

const head = layer("conv3x3", 4, CHANNELS[0]);
const tail = layer("conv3x3", CHANNELS[0], 3);
const inner = CHANNELS.map((c) => layer("conv3x3", c, c, { activation: "relu" }));
const outer = CHANNELS.map((c) => layer("conv3x3", c, c, { addends: 1 }));
const joining = CHANNELS.map((c) => layer("conv3x3", c, c, { addends: 2 }));
const down = [0, 1, 2].map((i) => layer("down2x2", CHANNELS[i], CHANNELS[i + 1]));
const up = [0, 1, 2].map((i) => layer("up2x2", CHANNELS[i + 1], CHANNELS[i]));

let times = new Map<string, number>();
function timed(name: string, work: () => void): void {
  const start = performance.now();
  work();
  times.set(name, (times.get(name) ?? 0) + performance.now() - start);
}

function apply(
  name: string,
  how: ConvLayer,
  from: FeatureMap,
  scale = 1,
  addends: FeatureMap[] = [],
): FeatureMap {
  const map = conv.allocate(how.spec.outChannels, from.height * scale, from.width * scale);
  timed(name, () => conv.apply(how, from, map, addends));
  return map;
}

/** The residual blocks of a level on `x`, which stays; the last one also adds `skip`. */
function blocks(level: number, x: FeatureMap, skip?: FeatureMap): FeatureMap {
  const name = `3x3 ${CHANNELS[level]}`;
  let from = x;
  for (let block = 0; block < BLOCKS; block++) {
    const joins = skip !== undefined && block === BLOCKS - 1;
    const middle = apply(name, inner[level], from);
    const next = apply(name, joins ? joining[level] : outer[level], middle, 1, joins ? [from, skip] : [from]);
    conv.release(middle);
    if (from !== x) conv.release(from);
    from = next;
  }
  return from;
}

const source = device.allocate(4 * size * size);
const target = device.allocate(3 * size * size);
device.write(source, new Float32Array(4 * size * size).map(() => Math.random()));

async function network(): Promise<void> {
  const input = conv.allocate(4, size, size);
  timed("pack", () => conv.pack(source, 0, input));
  let x = apply("head", head, input);
  const skips = [x];
  for (let level = 0; level < 3; level++) {
    const features = blocks(level, x);
    x = apply("down", down[level], features, 0.5);
    conv.release(features);
    skips.push(x);
  }
  x = blocks(3, x, skips[3]);
  for (let level = 2; level >= 0; level--) {
    const wide = apply("up", up[level], x, 2);
    conv.release(x);
    x = blocks(level, wide, skips[level]);
    conv.release(wide);
  }
  const output = apply("tail", tail, x);
  timed("unpack", () => conv.unpack(output, target, 0));
  for (const map of [input, x, output, ...skips]) conv.release(map);
  await device.synchronize();
}

const best = new Map<string, number>();
for (let round = 0; round <= Number(values.rounds); round++) {
  times = new Map();
  const start = performance.now();
  await network();
  times.set("total", performance.now() - start);
  if (round === 0) {
    console.log(`${device.name}, ${size} x ${size}: first ${times.get("total")!.toFixed(1)} ms`);
  } else for (const [name, ms] of times) best.set(name, Math.min(ms, best.get(name) ?? Infinity));
}
for (const [name, ms] of best) console.log(`${name.padEnd(8)} ${ms.toFixed(1)} ms`);
device.close();
