import assert from "node:assert/strict";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { CorrelateKernel, FftKernel, Kernel } from "../../src/compute/kernel.ts";
import { randomValues, upload } from "./oracle.ts";

/** The kernel's output on devices with 1, 2, 3 and 5 threads, which all see the same inputs. */
async function onThreads(kernel: Kernel, inputs: readonly Float32Array[], length: number): Promise<void> {
  let expected: Float32Array | undefined;
  for (const threads of [1, 2, 3, 5]) {
    const device = new CpuDevice({ threads });
    const buffers = inputs.map((values) => upload(device, values));
    const output = upload(device, new Float32Array(length).fill(NaN));
    for (let round = 0; round < 2; round++) device.run(kernel, buffers, output);
    const result = await device.read(output);
    device.close();
    expected ??= result;
    const name = JSON.stringify(kernel);
    assert.ok(result.every(Number.isFinite), `${threads} threads left values out: ${name}`);
    assert.deepEqual(result, expected, `${threads} threads: ${name}`);
  }
}

Deno.test("any number of threads transforms to the same bits", async () => {
  const cases: Pick<FftKernel, "batch" | "outer" | "length" | "inner">[] = [
    { batch: 1, outer: 301, length: 240, inner: 1 },
    { batch: 2, outer: 67, length: 263, inner: 3 },
    { batch: 1, outer: 1, length: 360, inner: 201 },
    { batch: 3, outer: 5, length: 131, inner: 35 },
  ];
  for (const [i, size] of cases.entries()) {
    const length = 2 * size.batch * size.outer * size.length * size.inner;
    assert.ok(length >= 2 ** 17, "large enough for threads");
    const kernel = { ...size, origin: 7 * i, scale: 0.25, inverse: i % 2 === 1 };
    await onThreads({ kind: "fft", ...kernel }, [randomValues(length, i)], length);
  }
});

Deno.test("any number of threads correlates to the same bits", async () => {
  const cases: Omit<CorrelateKernel, "kind">[] = [
    {
      batch: 1,
      channels: 1,
      height: 333,
      width: 301,
      filterBatch: 1,
      filterChannels: 1,
      filterHeight: 8,
      filterWidth: 9,
      flip: false,
    },
    {
      batch: 2,
      channels: 3,
      height: 70,
      width: 130,
      filterBatch: 2,
      filterChannels: 3,
      filterHeight: 21,
      filterWidth: 13,
      flip: true,
    },
  ];
  for (const one of cases) {
    const { batch, channels, height, width, filterBatch, filterChannels, filterHeight, filterWidth } = one;
    const outputs = batch * channels * (height - filterHeight + 1) * (width - filterWidth + 1);
    assert.ok(outputs * filterHeight * filterWidth >= 2 ** 22, "large enough for threads");
    const x = randomValues(batch * channels * height * width, 1);
    const h = randomValues(filterBatch * filterChannels * filterHeight * filterWidth, 2);
    await onThreads({ kind: "correlate", ...one }, [x, h], outputs);
  }
});
