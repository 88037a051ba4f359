import { geometryOf, outputSize } from "../conv_geometry.ts";
import type { Device } from "../device.ts";
import { planLayer } from "./conv_plan.ts";
import { type LayerClass, layerClass, TYPICAL_LAYERS, type TypicalLayer } from "./layer_class.ts";
import {
  CACHED_PRESET,
  type ConvPreset,
  type ConvTiles,
  DISCRETE_PRESET,
  INTEGRATED_PRESET,
} from "./presets.ts";
import { TuningCache } from "./tuning_cache.ts";

/** Rounds that are timed, and applications in each. */
const ROUNDS = 3, REPEATS = 4;
/** A preset whose first round takes so many times the best one's gets no further. */
const HOPELESS = 3;

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
    "4 channels": { ...CACHED_PRESET, channels: 4 },
    "groups of 128": { ...CACHED_PRESET, workgroup: 128 },
  };
  return Object.fromEntries(Object.entries(presets).map(([name, preset]) => [name, { ...preset, half }]));
}

/** Milliseconds of every class of layers, by preset. */
type Times = ReadonlyMap<string, ReadonlyMap<LayerClass, number>>;

/**
 * The fastest of some presets for every class of layers on an adapter: as stored, else by timing them, which takes some
 * seconds, and storing the result. All maps of a device are stored alike, so textures or buffers are chosen for all
 * classes together.
 *
 * @param adapter what identifies it and its driver
 * @param presets by name, at least one, all of them float16 or none
 * @param open a device with a preset, closed here
 * @param layers what is timed, one layer of every class
 * @returns the first preset of the storage that won, with the winners' tiles for the classes
 */
export async function autotune(
  adapter: string,
  presets: Readonly<Record<string, ConvPreset>>,
  open: (preset: ConvPreset) => Promise<Device>,
  cache: TuningCache = new TuningCache(),
  layers: readonly TypicalLayer[] = TYPICAL_LAYERS,
): Promise<ConvPreset> {
  const [first] = Object.values(presets);
  const classes = layers.map(({ spec }) => layerClass(spec));
  const key = `${adapter}, ${first.half ? "float16" : "float32"}`;
  const stored = await cache.get(key);
  const known = stored && combine(presets, classes, stored);
  if (known) return known;
  const winners = fastest(presets, classes, await measure(presets, layers, open));
  await cache.set(key, winners);
  return combine(presets, classes, winners)!;
}

/** The preset with the named presets' tiles; `undefined` where a name is missing, or their storage differs. */
function combine(
  presets: Readonly<Record<string, ConvPreset>>,
  classes: readonly LayerClass[],
  winners: Readonly<Record<LayerClass, string>>,
): ConvPreset | undefined {
  const chosen = classes.map((name) => {
    const winner = Object.hasOwn(winners, name) ? winners[name] : "";
    return Object.hasOwn(presets, winner) ? presets[winner] : undefined;
  });
  const storage = chosen[0]?.storage;
  if (chosen.some((preset) => preset === undefined || preset.storage !== storage)) return undefined;
  const base = Object.values(presets).find((preset) => preset.storage === storage)!;
  return { ...base, classes: Object.fromEntries(classes.map((name, i) => [name, tilesOf(chosen[i]!)])) };
}

function tilesOf({ broadcastLanes, workgroup, winograd, channels, shared }: ConvPreset): ConvTiles {
  return { broadcastLanes, workgroup, winograd, channels, shared };
}

/** The fastest preset of every class, within the storage whose winners take the least time in all. */
function fastest(
  presets: Readonly<Record<string, ConvPreset>>,
  classes: readonly LayerClass[],
  times: Times,
): Record<LayerClass, string> {
  let best: { total: number; winners: Record<LayerClass, string> } | undefined;
  for (const storage of new Set(Object.values(presets).map((preset) => preset.storage))) {
    const names = Object.keys(presets).filter((name) => presets[name].storage === storage);
    let total = 0;
    const winners = Object.fromEntries(classes.map((one) => {
      const timeOf = (name: string) => times.get(name)!.get(one)!;
      const winner = names.reduce((a, b) => timeOf(b) < timeOf(a) ? b : a);
      total += timeOf(winner);
      return [one, winner];
    }));
    if (!best || total < best.total) best = { total, winners };
  }
  return best!.winners;
}

async function measure(
  presets: Readonly<Record<string, ConvPreset>>,
  layers: readonly TypicalLayer[],
  open: (preset: ConvPreset) => Promise<Device>,
): Promise<Times> {
  const times = new Map<string, Map<LayerClass, number>>();
  const best = new Map<LayerClass, number>();
  /** Presets that have the same shader for a layer are timed once. */
  const byShader = new Map<string, number>();
  for (const [name, preset] of Object.entries(presets)) {
    const own = new Map<LayerClass, number>();
    const device = await open(preset);
    try {
      for (const layer of layers) {
        const one = layerClass(layer.spec);
        const shader = `${one} ${planLayer(layer.spec, preset).program.key}`;
        const ms = byShader.get(shader) ?? await timeLayer(device, layer, best.get(one) ?? Infinity);
        byShader.set(shader, ms);
        own.set(one, ms);
        best.set(one, Math.min(best.get(one) ?? Infinity, ms));
      }
    } finally {
      device.close();
    }
    times.set(name, own);
  }
  return times;
}

/** The smallest time of some rounds, after one that does not count; of one alone where it is far from the best so far. */
async function timeLayer(device: Device, { spec, size }: TypicalLayer, best: number): Promise<number> {
  const { conv } = device;
  const geometry = geometryOf(spec);
  const [rows, columns] = geometry.kernel;
  const count = rows * columns * spec.inChannels * spec.outChannels;
  const layer = conv.prepare(spec, new Float32Array(count).fill(1e-3));
  const from = conv.allocate(spec.inChannels, size, size);
  const to = conv.allocate(spec.outChannels, ...outputSize(geometry, size, size));
  const time = async (repeats: number) => {
    const start = performance.now();
    for (let k = 0; k < repeats; k++) conv.apply(layer, from, to, []);
    await device.synchronize();
    return (performance.now() - start) / repeats;
  };
  await time(1);
  let ms = await time(1);
  if (ms < HOPELESS * best) {
    ms = Infinity;
    for (let round = 0; round < ROUNDS; round++) ms = Math.min(ms, await time(REPEATS));
  }
  for (const map of [from, to]) conv.release(map);
  conv.discard(layer);
  return ms;
}
