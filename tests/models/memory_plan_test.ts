import assert from "node:assert/strict";
import type { Device } from "../../src/compute/device.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import { DnCNN, DRUNet, FunctionDenoiser, maxBatchSizeFor, memoryPlan } from "../../src/models/mod.ts";
import type { Denoiser } from "../../src/models/denoiser.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { ignore, openDevice } from "../compute/webgpu_open.ts";

const DEVICES: Record<string, () => Promise<Device>> = {
  cpu: () => Promise.resolve(new CpuDevice()),
  "cpu, 3 threads": () => Promise.resolve(new CpuDevice({ threads: 3 })),
  gpu: () => openDevice(),
};

/** The most that a call holds, by running it: without weights, with its input. */
async function measuredPeak(device: Device, denoiser: Denoiser, shape: readonly number[]): Promise<number> {
  const before = device.memory().live;
  const x = Tensor.zeros(shape, { device });
  (await denoiser.forward(x, 0.1)).dispose();
  x.dispose();
  const weights = device.memory().live - before;
  return device.memory().peak - weights - before;
}

for (const [name, open] of Object.entries(DEVICES)) {
  Deno.test({
    name: `the planned peak of networks is what a run holds [${name}]`,
    ignore: name === "gpu" && ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const shapes = [[1, 3, 40, 56], [2, 3, 33, 17], [1, 3, 136, 136]];
      for (const shape of shapes) {
        const networks = [
          await DRUNet.create({ nc: [4, 8, 12, 16], nb: 1 }),
          await DnCNN.create({ inChannels: 3, outChannels: 3, depth: 4, nf: 8, weights: null }),
        ];
        for (const network of networks) {
          const device = await open();
          const planned = await memoryPlan(network, shape, device);
          assert.equal(device.memory().live, 0, "planning took memory");
          assert.equal(planned, await memoryPlan(network, shape, device));
          assert.equal(planned, await measuredPeak(device, network, shape), `${shape}`);
          network.dispose();
          device.close();
        }
      }
    },
  });
}

Deno.test("the batch is the largest that fits the budget", async () => {
  const device = new CpuDevice();
  const network = await DRUNet.create({ nc: [4, 8, 12, 16], nb: 1 });
  const shape = [1, 3, 24, 24];
  const peaks: number[] = [];
  for (let batch = 1; batch <= 6; batch++) peaks.push(await memoryPlan(network, [batch, 3, 24, 24], device));
  const choose = (budget: number) => maxBatchSizeFor(network, shape, 6, device, budget);
  assert.deepEqual(
    await Promise.all([
      choose(1),
      choose(peaks[0]),
      choose(peaks[3]),
      choose(peaks[4] - 1),
      choose(peaks[5]),
    ]),
    [1, 1, 4, 4, 6],
  );
  assert.equal(await maxBatchSizeFor(network, shape, 5, device), 5);
  await assert.rejects(
    maxBatchSizeFor(network, shape, 0, device),
    /count must be a whole number >= 1, got 0/,
  );
});

Deno.test("a denoiser that refuses a shape refuses its plan, and the next plan is right", async () => {
  const device = new CpuDevice();
  const network = await DRUNet.create({ nc: [4, 8, 12, 16], nb: 1 });
  const planned = await memoryPlan(network, [1, 3, 16, 16], device);
  await assert.rejects(memoryPlan(network, [1, 2, 16, 16], device), /cannot denoise/i);
  assert.equal(await memoryPlan(network, [1, 3, 16, 16], device), planned);
  const identity = new FunctionDenoiser((x) => Promise.resolve(x.mul(1)));
  assert.equal(await memoryPlan(identity, [1, 1, 16, 16], device), 2 * 4 * 256);
});
