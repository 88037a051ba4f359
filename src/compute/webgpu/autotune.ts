import type { ConvSpec } from "../conv_engine.ts";
import type { Device } from "../device.ts";
import { CACHED_PRESET, type ConvPreset, DISCRETE_PRESET, INTEGRATED_PRESET } from "./presets.ts";
import { TuningCache } from "./tuning_cache.ts";

/** What is timed: layers of few channels on a large image, and of many on a small one. */
const LAYERS = [[64, 128], [256, 32]] as const;
/** Times that each is applied before and while the clock runs. */
const WARM_UP = 2, ROUNDS = 3, REPEATS = 4;

/** Presets to choose from, by name: the adapter's own, and everything that runs on any adapter. */
export function candidates(own: ConvPreset): Record<string, ConvPreset> {
  const half = own.half ?? false;
  const presets: Record<string, ConvPreset> = {
    default: own,
    cached: CACHED_PRESET,
    winograd: { ...CACHED_PRESET, winograd: true },
    "64 invocations": INTEGRATED_PRESET,
    "128 invocations": DISCRETE_PRESET,
    "256 invocations": { ...CACHED_PRESET, shared: { across: 8, down: 8, deep: 4 } },
  };
  return Object.fromEntries(Object.entries(presets).map(([name, preset]) => [name, { ...preset, half }]));
}

/**
 * The fastest of some presets on an adapter: as stored, else by timing all of them, which takes some
 * seconds, and storing the result.
 *
 * @param adapter its name
 * @param presets by name, at least one, all of them float16 or none
 * @param open a device with a preset, closed here
 * @param layers what is timed: 3 x 3 layers of as many channels on images of size x size
 */
export async function autotune(
  adapter: string,
  presets: Readonly<Record<string, ConvPreset>>,
  open: (preset: ConvPreset) => Promise<Device>,
  cache: TuningCache = new TuningCache(),
  layers: readonly (readonly [channels: number, size: number])[] = LAYERS,
): Promise<ConvPreset> {
  const [first] = Object.keys(presets);
  const key = `${adapter}, ${presets[first].half ? "float16" : "float32"}, 3x3 ${
    layers.map((l) => l.join("@")).join(" ")
  }`;
  const stored = await cache.get(key);
  if (stored !== undefined && Object.hasOwn(presets, stored)) return presets[stored];
  let best: [name: string, ms: number] = [first, Infinity];
  for (const [name, preset] of Object.entries(presets)) {
    const device = await open(preset);
    try {
      const ms = await timeLayers(device, layers);
      if (ms < best[1]) best = [name, ms];
    } finally {
      device.close();
    }
  }
  await cache.set(key, best[0]);
  return presets[best[0]];
}

async function timeLayers(device: Device, layers: readonly (readonly [number, number])[]): Promise<number> {
  let total = 0;
  for (const [channels, size] of layers) {
    const spec: ConvSpec = {
      kernel: 3,
      padding: 1,
      inChannels: channels,
      outChannels: channels,
      bias: false,
      activation: "relu",
      addends: 0,
    };
    const { conv } = device;
    const layer = conv.prepare(spec, new Float32Array(9 * channels * channels).fill(1e-3));
    const [from, to] = [conv.allocate(channels, size, size), conv.allocate(channels, size, size)];
    let best = Infinity;
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const start = performance.now();
      for (let k = 0; k < REPEATS; k++) conv.apply(layer, from, to, []);
      await device.synchronize();
      if (round >= 0) best = Math.min(best, performance.now() - start);
    }
    total += best;
    for (const map of [from, to]) conv.release(map);
    conv.discard(layer);
  }
  return total;
}
