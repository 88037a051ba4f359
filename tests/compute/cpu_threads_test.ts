import assert from "node:assert/strict";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { Arena } from "../../src/compute/cpu/arena.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import { ThreadPool } from "../../src/compute/cpu/threads/pool.ts";
import { KernelCache } from "../../src/compute/cpu/wasm/kernels.ts";
import { DeviceError } from "../../src/compute/errors.ts";
import { rankShare } from "../../src/compute/rank_share.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { assemble, FunctionBuilder } from "../../src/compute/cpu/wasm/emitter.ts";
import { load, store } from "../../src/compute/cpu/wasm/simd.ts";
import { geometryOf, outputSize } from "../../src/compute/conv_geometry.ts";
import { LAYERS, weightCount } from "./layers.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";

interface Case {
  readonly spec: ConvSpec;
  readonly height: number;
  readonly width: number;
}

const REST = { bias: true, activation: "relu", addends: 1 } as const;

const CASES: readonly Case[] = [
  { spec: { ...LAYERS.conv3x3, inChannels: 64, outChannels: 70, ...REST }, height: 35, width: 33 },
  { spec: { ...LAYERS.conv3x3, inChannels: 260, outChannels: 300, ...REST }, height: 9, width: 8 },
  { spec: { ...LAYERS.conv3x3, inChannels: 4, outChannels: 300, ...REST }, height: 1, width: 700 },
  { spec: { ...LAYERS.down2x2, inChannels: 65, outChannels: 130, ...REST }, height: 46, width: 34 },
  { spec: { ...LAYERS.up2x2, inChannels: 130, outChannels: 65, ...REST }, height: 23, width: 27 },
  { spec: { kernel: 5, padding: 2, inChannels: 33, outChannels: 40, ...REST }, height: 16, width: 14 },
  { spec: { kernel: 1, inChannels: 130, outChannels: 100, ...REST }, height: 20, width: 21 },
  {
    spec: { kernel: 3, padding: 2, dilation: 2, inChannels: 40, outChannels: 50, ...REST },
    height: 16,
    width: 17,
  },
  {
    spec: { kernel: 5, stride: 3, padding: 1, transposed: true, inChannels: 70, outChannels: 60, ...REST },
    height: 8,
    width: 9,
  },
];

/** One layer on a device: input, weights, bias and addend are the same whatever the device. */
async function layer(device: CpuDevice, { spec, height, width }: Case): Promise<Float32Array> {
  const { conv } = device;
  const shape = [spec.outChannels, ...outputSize(geometryOf(spec), height, width)] as const;
  const x = upload(device, randomValues(spec.inChannels * height * width, 1));
  const y = upload(device, randomValues(shape[0] * shape[1] * shape[2], 2));
  const [input, output] = [conv.allocate(spec.inChannels, height, width), conv.allocate(...shape)];
  conv.pack(x, 0, input);
  conv.pack(y, 0, output);
  const weights = randomValues(weightCount(spec), 3);
  const own = conv.prepare(spec, weights, randomValues(spec.outChannels, 4));
  conv.apply(own, input, output, [output]);
  conv.unpack(output, y, 0);
  const result = await device.read(y);
  conv.discard(own);
  for (const map of [input, output]) conv.release(map);
  for (const buffer of [x, y]) device.release(buffer);
  return result;
}

Deno.test("any number of threads computes the same bits, by the definition", async () => {
  for (const one of CASES) {
    const results: Float32Array[] = [];
    for (const threads of [1, 2, 3, 7]) {
      const device = new CpuDevice({ threads });
      results.push(await layer(device, one));
      assert.equal(device.memory().live, 0);
      device.close();
    }
    for (const result of results.slice(1)) assert.deepEqual(result, results[0]);
    const { spec, height, width } = one;
    const expected = layerReference(
      spec,
      height,
      width,
      randomValues(spec.inChannels * height * width, 1),
      randomValues(weightCount(spec), 3),
      randomValues(spec.outChannels, 4),
      [randomValues(results[0].length, 2)],
    );
    assert.ok(relativeError(results[0], expected) <= 2e-5, JSON.stringify(spec));
  }
});

Deno.test("threads see memory that was added after they started", async () => {
  const [one, two] = [new CpuDevice(), new CpuDevice({ threads: 3 })];
  const expected = await layer(one, CASES[0]);
  for (let round = 0; round < 4; round++) {
    assert.deepEqual(await layer(two, CASES[0]), expected);
    two.allocate(24 << 20);
  }
  one.close();
  two.close();
});

/** `double(to, from)`: to = from + from, four values. */
function double(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("double", 2);
  const [to, from] = f.parameters;
  f.emit(store(to.get, [load(from.get), load(from.get), 0xfd, 0xe4, 1]));
  return assemble([f]);
}

Deno.test("work with more calls than a job holds is done in several jobs", () => {
  const arena = new Arena();
  using pool = new ThreadPool(arena, 2);
  const cache = new KernelCache(arena.memory);
  const units = 700_000;
  const address = arena.reserve(16 * units);
  const values = arena.view(address, 4 * units).fill(1);
  pool.run(cache, {
    units,
    grain: 1,
    scratchBytes: 0,
    run(kernels, _scratch, first, end) {
      const run = kernels.get(double, {});
      for (let unit = first; unit < end; unit++) run(address + 16 * unit, address + 16 * unit);
    },
  });
  assert.ok(values.every((value) => value === 2));
});

Deno.test("a kernel that fails on any thread is an error, and the threads live on", () => {
  const arena = new Arena();
  using pool = new ThreadPool(arena, 3);
  const cache = new KernelCache(arena.memory);
  const work = (address: number) => ({
    units: 64,
    grain: 1,
    scratchBytes: 16,
    run(kernels: Pick<KernelCache, "get">, scratch: number, first: number) {
      kernels.get(double, {})(scratch, address + 16 * first);
    },
  });
  assert.throws(() => pool.run(cache, work(-64)), (error) => {
    return error instanceof DeviceError &&
      /thread of the cpu device failed.*out of bounds/.test(error.message);
  });
  pool.run(cache, work(arena.reserve(64 * 16)));
});

Deno.test("a closed pool refuses work, and a bad number of threads is named", () => {
  const arena = new Arena();
  const pool = new ThreadPool(arena, 2);
  pool.close();
  const work = { units: 1, grain: 1, scratchBytes: 0, run: () => {} };
  assert.throws(() => pool.run(new KernelCache(arena.memory), work), /closed/);
  assert.throws(() => new CpuDevice({ threads: 0 }), InvalidArgumentError);
});

Deno.test("a process ends by itself while its threads sleep, without any permission", async () => {
  const device = new URL("../../src/compute/cpu/device.ts", import.meta.url).href;
  const script = `
    const { CpuDevice } = await import(${JSON.stringify(device)});
    const { conv } = new CpuDevice({ threads: 3, memoryBudget: 2 ** 30 });
    const spec = { kernel: 3, padding: 1, inChannels: 64, outChannels: 64, bias: false, activation: "none", addends: 0 };
    const layer = conv.prepare(spec, new Float32Array(64 * 64 * 9));
    conv.apply(layer, conv.allocate(64, 64, 64), conv.allocate(64, 64, 64), []);
    console.log("done");`;
  const main = `data:text/javascript,${encodeURIComponent(script)}`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `--allow-import`, "--allow-read", main],
    signal: AbortSignal.timeout(30_000),
  }).output();
  assert.deepEqual([success, new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)], [
    true,
    "done\n",
    "",
  ]);
});

Deno.test("a rank's share of its host", () => {
  const names = ["DEEPINV_THREADS", "DEEPINV_MEMORY_BUDGET", "LOCAL_WORLD_SIZE"];
  const before = names.map((name) => Deno.env.get(name));
  try {
    names.forEach((name) => Deno.env.delete(name));
    const cores = navigator.hardwareConcurrency;
    const memory = Deno.systemMemoryInfo().total * 0.8;
    assert.deepEqual(rankShare(), { threads: cores, memoryBudget: Math.floor(memory) });
    assert.deepEqual(rankShare(4 * cores), {
      threads: 1,
      memoryBudget: Math.floor(memory / (4 * cores)),
    });
    Deno.env.set("LOCAL_WORLD_SIZE", "2");
    assert.equal(rankShare().memoryBudget, Math.floor(memory / 2));
    Deno.env.set("DEEPINV_THREADS", "5");
    assert.equal(rankShare().threads, 5);
    Deno.env.set("DEEPINV_THREADS", "many");
    assert.throws(() => rankShare(), /DEEPINV_THREADS must be a whole number >= 1, got "many"/);
  } finally {
    names.forEach((name, i) =>
      before[i] === undefined ? Deno.env.delete(name) : Deno.env.set(name, before[i]!)
    );
  }
});
