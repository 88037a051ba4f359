import { DRUNet, type DRUNetOptions } from "../../src/models/mod.ts";
import { FileError, saveSafetensors } from "../../src/io/mod.ts";
import { defaultDevice, InvalidArgumentError, openDevice, Tensor } from "../../src/tensor/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { Plain } from "../tensor/plain.ts";
import { plainForward } from "./plain_drunet.ts";
import assert from "node:assert/strict";

const TINY = { nc: [5, 7, 8, 12], nb: 1, seed: 3 } as const satisfies DRUNetOptions;

/** The network and its plain twin differ by at most 1e-4 of the largest value. */
async function assertEqualsPlain(denoiser: DRUNet, x: Tensor, sigma: number): Promise<void> {
  const state = denoiser.stateDict();
  using map = Tensor.full([x.shape[0], 1, ...x.shape.slice(2)], sigma);
  using input = Tensor.cat([x, map], 1);
  using expected = plainForward(state, denoiser.config, input);
  using actual = await denoiser.forward(x, sigma);
  const scale = await expected.abs().max().item();
  const difference = await largestDifference(actual, expected);
  assert.ok(difference <= 1e-4 * scale, `${x.shape}: ${difference} of ${scale}`);
}

onBothDevices("a DRUNet of any size equals its layers written down, at any image size", async () => {
  using tiny = await DRUNet.create(TINY);
  for (const [height, width] of [[1, 1], [8, 8], [32, 40], [33, 47], [64, 65], [100, 124], [13, 130]]) {
    using x = Plain.random([1, 3, height, width]).tensor();
    await assertEqualsPlain(tiny, x, 0.1);
  }
  const others: DRUNetOptions[] = [
    { nc: [1, 1, 1, 1], nb: 1, inChannels: 1, outChannels: 1 },
    { nc: [4, 6, 3, 9], nb: 3, inChannels: 2, outChannels: 5 },
    { nc: [16, 17, 33, 20], nb: 2 },
  ];
  for (const options of others) {
    using denoiser = await DRUNet.create(options);
    using x = Plain.random([2, denoiser.config.inChannels, 32, 24]).tensor();
    await assertEqualsPlain(denoiser, x, 0.05);
  }
});

onBothDevices("items of a batch are denoised as if alone, whatever form the noise level has", async () => {
  using tiny = await DRUNet.create(TINY);
  using x = Plain.random([3, 3, 33, 20]).tensor();
  const levels = [0.05, 0.2, 0.4];
  using perItem = Tensor.from(levels);
  using column = Tensor.from(levels, [3, 1, 1, 1]);
  using map = column.expand([3, 1, 33, 20]);
  using expected = Tensor.zeros(x.shape);
  for (const [item, level] of levels.entries()) {
    using own = x.slice([[item, item + 1]]);
    using alone = await tiny.forward(own, level);
    expected.writeSlice(alone, [item, 0, 0, 0]);
  }
  for (const sigma of [perItem, column, map]) {
    using y = await tiny.forward(x, sigma);
    assert.ok(await largestDifference(y, expected) < 1e-5, `sigma (${sigma.shape})`);
  }
  using shared = Plain.random([1, 1, 33, 20], 5).tensor();
  using repeated = shared.expand([3, 1, 33, 20]);
  using one = await tiny.forward(x, shared);
  using each = await tiny.forward(x, repeated);
  assert.equal(await largestDifference(one, each), 0);
  using number = await tiny.forward(x, 0.3);
  for (const shape of [[], [1], [1, 1, 1, 1]]) {
    using constant = Tensor.full(shape, 0.3);
    using y = await tiny.forward(x, constant);
    assert.equal(await largestDifference(y, number), 0, `sigma (${shape})`);
  }
});

onBothDevices("images and noise levels that do not fit are refused, and nothing stays", async () => {
  using tiny = await DRUNet.create(TINY);
  using x = Tensor.ones([2, 3, 8, 8]);
  using _ = await tiny.forward(x, 0.1); // the layers stay
  await assertNothingLeaks(async () => {
    for (const shape of [[2, 1, 8, 8], [3, 8, 8], [0, 3, 8, 8], [1, 3, 0, 8]]) {
      using wrong = Tensor.ones(shape);
      await assert.rejects(() => tiny.forward(wrong, 0.1), /of shape \(B, 3, H, W\)/);
    }
    for (const sigma of [-0.1, NaN, Infinity, undefined as unknown as number]) {
      await assert.rejects(() => tiny.forward(x, sigma), /sigma must be a finite number >= 0/);
    }
    for (const shape of [[3], [2, 2, 8, 8], [2, 1, 8, 7], [2, 8, 8], [4, 1, 8, 8]]) {
      using sigma = Tensor.ones(shape);
      await assert.rejects(() => tiny.forward(x, sigma), /one value per item \(2,\) or a map \(2, 1, 8, 8\)/);
    }
  });
});

onBothDevices("weights are random for a seed, and travel as a state dict and as a file", async () => {
  using tiny = await DRUNet.create(TINY);
  using x = Plain.random([1, 3, 16, 16]).tensor();
  using expected = await tiny.forward(x, 0.1);
  using same = await DRUNet.create(TINY);
  using other = await DRUNet.create({ ...TINY, seed: 4 });
  using y = await same.forward(x, 0.1);
  using z = await other.forward(x, 0.1);
  assert.equal(await largestDifference(y, expected), 0);
  assert.ok(await largestDifference(z, expected) > 1e-4);
  await other.loadStateDict(tiny.stateDict());
  using loaded = await other.forward(x, 0.1);
  assert.equal(await largestDifference(loaded, expected), 0);

  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    const entries = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const [key, tensor] of tiny.stateDict()) {
      entries.set(key, { shape: [...tensor.shape], data: await tensor.data() });
    }
    await saveSafetensors(path, entries);
    for (const weights of [path, new URL(`file://${path}`)]) {
      using read = await DRUNet.create({ weights });
      assert.deepEqual([[...read.config.nc], read.config.nb], [[...TINY.nc], TINY.nb]);
      using again = await read.forward(x, 0.1);
      assert.equal(await largestDifference(again, expected), 0);
    }
  } finally {
    await Deno.remove(path);
  }
});

onBothDevices("one network serves several devices, and is rebuilt after dispose", async () => {
  using tiny = await DRUNet.create(TINY);
  const other = await openDevice("cpu");
  using here = Plain.random([1, 3, 16, 16]).tensor();
  using there = Tensor.from(await here.data(), here.shape, { device: other });
  using a = await tiny.forward(here, 0.1);
  using b = await tiny.forward(there, 0.1);
  assert.ok(await largestDifference(a, b) < 1e-5);
  tiny.dispose();
  using c = await tiny.forward(here, 0.1);
  assert.equal(await largestDifference(a, c), 0);
  const device = defaultDevice();
  const { live } = device.memory();
  tiny.dispose();
  assert.ok(device.memory().live < live);
  other.close();
});

onBothDevices("a pass that does not fit the memory budget leaves nothing behind", async () => {
  const kind = defaultDevice().kind === "webgpu" ? "gpu" : "cpu";
  const before = Deno.env.get("DEEPINV_MEMORY_BUDGET");
  Deno.env.set("DEEPINV_MEMORY_BUDGET", String(24 * 2 ** 20));
  const device = await openDevice(kind).finally(() => {
    if (before === undefined) Deno.env.delete("DEEPINV_MEMORY_BUDGET");
    else Deno.env.set("DEEPINV_MEMORY_BUDGET", before);
  });
  using small = await DRUNet.create({ weights: "small-color" });
  using little = Tensor.ones([1, 3, 32, 32], { device });
  (await small.forward(little, 0.1)).dispose();
  const { live } = device.memory();
  const big = Tensor.ones([1, 3, 512, 512], { device });
  await assert.rejects(() => small.forward(big, 0.1), /budget/);
  big.dispose();
  assert.equal(device.memory().live, live);
  (await small.forward(little, 0.1)).dispose();
  device.close();
});

Deno.test("weights that are not there, or not DRUNet's, are refused with what to do", async () => {
  const create = (options: DRUNetOptions) => () => DRUNet.create(options);
  await assert.rejects(
    create({ weights: "unknown-name" }),
    /a built-in name \("small-color", "download"\) or a \.safetensors or \.pth file, got "unknown-name", which is neither/,
  );
  await assert.rejects(create({ weights: "/nowhere/weights.safetensors" }), FileError);
  await assert.rejects(create({ weights: new URL("file:///nowhere/weights") }), FileError);
  await assert.rejects(create({ weights: new Map() }), /DRUNet's \(m_head\.weight.*got none/);
  await assert.rejects(
    create({ weights: "small-color", nb: 3 }),
    /keys must be exactly the network's, got missing/,
  );
  await assert.rejects(create({ weights: "small-color", nb: 1 }), /unexpected m_down1\.1\.res/);
  await assert.rejects(
    create({ weights: "small-color", inChannels: 1 }),
    /"m_head\.weight" must be of shape/,
  );
  await assert.rejects(create({ nc: [4, 4, 4] as unknown as typeof TINY.nc }), InvalidArgumentError);
  for (const wrong of [{ nb: 0 }, { inChannels: 1.5 }, { nc: [0, 1, 1, 1] as const }]) {
    await assert.rejects(create(wrong), /whole numbers >= 1/);
  }
});

onBothDevices(
  "a state dict with a missing, an extra or a misshapen key leaves the weights alone",
  async () => {
    using tiny = await DRUNet.create(TINY);
    using x = Plain.random([1, 3, 16, 16]).tensor();
    using before = await tiny.forward(x, 0.1);
    const missing = tiny.stateDict();
    missing.delete("m_tail.weight");
    await assert.rejects(() => tiny.loadStateDict(missing), /missing m_tail\.weight/);
    const extra = tiny.stateDict().set("m_tail.bias", Tensor.zeros([3]));
    await assert.rejects(() => tiny.loadStateDict(extra), /unexpected m_tail\.bias/);
    const misshapen = tiny.stateDict().set("m_tail.weight", Tensor.zeros([3, 5, 1, 1]));
    await assert.rejects(() => tiny.loadStateDict(misshapen), /of shape \(3, 5, 3, 3\), got \(3, 5, 1, 1\)/);
    using after = await tiny.forward(x, 0.1);
    assert.equal(await largestDifference(before, after), 0);
  },
);
