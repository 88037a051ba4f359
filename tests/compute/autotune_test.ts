import assert from "node:assert/strict";
import { openDevice } from "../../src/compute/open.ts";
import { autotune, candidates } from "../../src/compute/webgpu/autotune.ts";
import type { WebGpuDevice } from "../../src/compute/webgpu/device.ts";
import { CACHED_PRESET, type ConvPreset, DISCRETE_PRESET } from "../../src/compute/webgpu/presets.ts";
import { planLayer } from "../../src/compute/webgpu/conv_plan.ts";
import {
  layerClass,
  presetFor,
  TYPICAL_LAYERS,
  type TypicalLayer,
} from "../../src/compute/webgpu/layer_class.ts";
import { TuningCache } from "../../src/compute/webgpu/tuning_cache.ts";
import { geometryOf, outputSize } from "../../src/compute/conv_geometry.ts";
import { weightCount } from "./layers.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";
import { ignore, openDevice as openWithPreset } from "./webgpu_open.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FOLDER = "convolution-presets";

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(`${folder}/${FOLDER}`)].map(({ name }) => `${folder}/${FOLDER}/${name}`);
}

Deno.test("stored presets are found again, by key, and damaged files count as none", () =>
  withFolder(async (folder) => {
    const cache = new TuningCache(folder);
    assert.equal(await cache.get("a"), undefined);
    await cache.set("a", { one: "x" });
    const [file] = filesIn(folder);
    await cache.set("b", { one: "y", two: "z" });
    assert.deepEqual(await cache.get("a"), { one: "x" });
    assert.deepEqual(await cache.get("b"), { one: "y", two: "z" });
    assert.equal(await cache.get("c"), undefined);
    assert.equal(filesIn(folder).length, 2);
    const [whole] = (await Deno.readTextFile(file)).match(/"key": ".*"/)!;
    const wrong = ["[]", "null", "3", '{"one": 3}'].map((presets) => `{${whole}, "presets": ${presets}}`);
    const damaged = [
      '{"key": "a", "pre',
      "null",
      "[1]",
      "",
      "{}",
      '{"key": "a", "presets": {"one": "x"}}',
      "\0\xff",
    ];
    for (const text of [...damaged, ...wrong]) {
      await Deno.writeTextFile(file, text);
      assert.equal(await cache.get("a"), undefined, text);
    }
    await cache.set("a", { one: "w" });
    assert.deepEqual(await cache.get("a"), { one: "w" });
  }));

Deno.test("a folder that cannot be made costs nothing but the memory", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const cache = new TuningCache(`${folder}/file/below`);
    await cache.set("a", { one: "x" });
    assert.equal(await cache.get("a"), undefined);
  }));

Deno.test("a folder in a file's place, and many that write at once, do no harm", () =>
  withFolder(async (folder) => {
    const cache = new TuningCache(folder);
    await cache.set("a", { one: "x" });
    const [file] = filesIn(folder);
    await Deno.remove(file);
    await Deno.mkdir(`${file}/inside`, { recursive: true });
    await cache.set("a", { one: "x" });
    assert.equal(await cache.get("a"), undefined);
    assert.deepEqual(filesIn(folder), [file]);
    const names = Array.from({ length: 12 }, (_, i) => `key ${i}`);
    await Promise.all(
      names.flatMap((name) =>
        [1, 2, 3].map(() => new TuningCache(`${folder}/shared`).set(name, { of: name }))
      ),
    );
    const shared = new TuningCache(`${folder}/shared`);
    for (const name of names) assert.deepEqual(await shared.get(name), { of: name });
    assert.equal(filesIn(`${folder}/shared`).length, names.length);
  }));

const SMALL: readonly TypicalLayer[] = TYPICAL_LAYERS.map(({ spec }) => {
  const channels = Math.ceil(spec.inChannels / 4);
  return { spec: { ...spec, inChannels: channels, outChannels: channels }, size: 16 };
});

Deno.test({
  name: "autotuning picks one of the candidates for every class of layers, once",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withFolder(async (folder) => {
      const opened: ConvPreset[] = [];
      const open = async (preset: ConvPreset): Promise<WebGpuDevice> => {
        opened.push(preset);
        return await openWithPreset(undefined, preset);
      };
      const { cached, winograd, "64 invocations": shared } = candidates(CACHED_PRESET);
      const presets = { cached, winograd, shared };
      const tune = () => autotune("here", presets, open, new TuningCache(folder), SMALL);
      const chosen = await tune();
      assert.deepEqual(opened, [cached, winograd, shared]);
      const classes = new Set(SMALL.map(({ spec }) => layerClass(spec)));
      assert.deepEqual(new Set(Object.keys(chosen.classes!)), classes);
      for (const { spec } of SMALL) {
        const { classes: _classes, ...tiles } = presetFor(spec, chosen);
        const { key } = planLayer(spec, chosen).program;
        assert.ok(Object.values(presets).some((preset) => planLayer(spec, preset).program.key === key));
        assert.equal(tiles.storage, "buffer");
      }
      assert.deepEqual(await tune(), chosen);
      assert.equal(opened.length, 3, "the stored result was not used");
      const [file] = filesIn(folder);
      for (const [from, to] of [[/"(cached|winograd|shared)"/, '"gone"'], [/"1x1"/, '"another"']] as const) {
        const text = await Deno.readTextFile(file);
        await Deno.writeTextFile(file, text.replace(from, to));
        opened.length = 0;
        await tune();
        assert.equal(opened.length, 3, "an unknown preset, or a missing class, was accepted");
      }
    }),
});

Deno.test({
  name: "layers of all classes compute the same whatever their tiles are",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const { cached, winograd, "4 channels": narrow, "groups of 128": wide } = candidates(CACHED_PRESET);
    const mixed = [winograd, narrow, wide, cached];
    const classes = Object.fromEntries(SMALL.map(({ spec }, i) => [layerClass(spec), mixed[i % 4]]));
    const device = await openWithPreset(undefined, { ...CACHED_PRESET, classes });
    for (const { spec, size } of [...SMALL, ...SMALL.map((layer) => ({ ...layer, size: 13 }))]) {
      const sizes = outputSize(geometryOf(spec), size, size);
      const weights = randomValues(weightCount(spec), 1), x = randomValues(spec.inChannels * size * size, 2);
      const layer = device.conv.prepare(spec, weights);
      const [from, to] = [
        device.conv.allocate(spec.inChannels, size, size),
        device.conv.allocate(spec.outChannels, ...sizes),
      ];
      const target = device.allocate(spec.outChannels * sizes[0] * sizes[1]);
      device.conv.pack(upload(device, x), 0, from);
      device.conv.apply(layer, from, to, []);
      device.conv.unpack(to, target, 0);
      const expected = layerReference(spec, size, size, x, weights, undefined, []);
      const error = relativeError(await device.read(target), expected);
      assert.ok(error < 2e-5, `${layerClass(spec)}: ${error}`);
    }
    device.close();
  },
});

Deno.test("every candidate has a name of its own and the storage that was asked for", () => {
  for (const half of [false, true]) {
    const presets = Object.values(candidates({ ...DISCRETE_PRESET, half }));
    assert.ok(presets.length >= 5 && presets.every((preset) => preset.half === half));
  }
});

Deno.test({
  name: "float16 storage by option",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const device = await openDevice("gpu", { float16: true });
    const before = device.memory().live;
    const map = device.conv.allocate(8, 27, 27);
    assert.equal(device.memory().live - before, 2 * 33 * 33 * 8);
    device.conv.release(map);
    device.close();
  },
});
