import assert from "node:assert/strict";
import { openDevice } from "../../src/compute/open.ts";
import { autotune, candidates } from "../../src/compute/webgpu/autotune.ts";
import type { WebGpuDevice } from "../../src/compute/webgpu/device.ts";
import { CACHED_PRESET, type ConvPreset, DISCRETE_PRESET } from "../../src/compute/webgpu/presets.ts";
import { TuningCache } from "../../src/compute/webgpu/tuning_cache.ts";
import { ignore, openDevice as openWithPreset } from "./webgpu_open.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FILE = "convolution-presets.json";

Deno.test("stored presets are found again, by key, and damaged files count as empty", () =>
  withFolder(async (folder) => {
    const cache = new TuningCache(`${folder}/new`);
    assert.equal(await cache.get("a"), undefined);
    await cache.set("a", "x");
    await cache.set("b", "y");
    assert.deepEqual([await cache.get("a"), await cache.get("b"), await cache.get("c")], [
      "x",
      "y",
      undefined,
    ]);
    assert.deepEqual([...Deno.readDirSync(`${folder}/new`)].map(({ name }) => name), [FILE]);
    for (const damaged of ['{"a, ver', "null", "[1]", "", '{"a": 3}']) {
      await Deno.writeTextFile(`${folder}/new/${FILE}`, damaged);
      assert.equal(await cache.get("a"), undefined);
    }
    await cache.set("a", "z");
    assert.equal(await cache.get("a"), "z");
  }));

Deno.test("a folder that cannot be made costs nothing but the memory", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const cache = new TuningCache(`${folder}/file/below`);
    await cache.set("a", "x");
    assert.equal(await cache.get("a"), undefined);
  }));

Deno.test("a folder in the file's place, and many that write at once, cost nothing but the memory", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/${FILE}/inside`, { recursive: true });
    const blocked = new TuningCache(folder);
    await blocked.set("a", "x");
    assert.equal(await blocked.get("a"), undefined);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [FILE]);
    const names = Array.from({ length: 12 }, (_, i) => `key ${i}`);
    await Promise.all(names.map((name) => new TuningCache(`${folder}/shared`).set(name, `of ${name}`)));
    const cache = new TuningCache(`${folder}/shared`);
    const found = await Promise.all(names.map((name) => cache.get(name)));
    assert.ok(found.some((value) => value !== undefined));
    found.forEach((value, i) => assert.ok(value === undefined || value === `of key ${i}`));
    assert.deepEqual([...Deno.readDirSync(`${folder}/shared`)].map(({ name }) => name), [FILE]);
  }));

Deno.test({
  name: "autotuning picks one of the candidates, once",
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
      const { cached, "64 invocations": shared } = candidates(CACHED_PRESET);
      const presets = { cached, shared };
      const chosen = await autotune("here", presets, open, new TuningCache(folder));
      assert.deepEqual(opened, [cached, shared]);
      assert.ok(opened.includes(chosen));
      assert.equal(await autotune("here", presets, open, new TuningCache(folder)), chosen);
      assert.equal(opened.length, 2, "the stored result was not used");
    }),
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
