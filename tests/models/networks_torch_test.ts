import {
  type Denoiser,
  FFDNet,
  type FFDNetOptions,
  type HostParameter,
  UNet,
  type UNetOptions,
} from "../../src/models/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import assert from "node:assert/strict";

/** A network, and what PyTorch's own layers give for it in float64. */
interface Record {
  readonly kind: "FFDNet" | "UNet";
  readonly options: object;
  readonly shape: readonly [number, number, number, number];
  readonly keys: { readonly [key: string]: number[] };
  readonly output: { readonly shape: number[]; readonly values: string };
}

const RECORDS: readonly Record[] = JSON.parse(
  await Deno.readTextFile(new URL("./fixtures/networks_torch.json", import.meta.url)),
);

/** The fixtures' weights; see the program beside them. */
function weightsFor(keys: Record["keys"]): Map<string, HostParameter> {
  return new Map(
    Object.entries(keys).map(([key, shape], k) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      const data = Float32Array.from({ length: count }, (_, i) => {
        const f = Math.sin(0.7 * k + 0.37 * i + 0.001 * (i % 977));
        if (shape.length === 4) return 1.5 * f / Math.sqrt(count / shape[0]);
        return key.endsWith("running_var") ? 1 + 0.5 * f : key.endsWith("weight") ? 1 + 0.3 * f : 0.2 * f;
      });
      return [key, { shape, data }];
    }),
  );
}

async function create({ kind, options, keys }: Record, inferred = false): Promise<FFDNet | UNet> {
  const weights = weightsFor(keys);
  const given = { ...options };
  if (inferred) {
    for (const name of ["imgChannels", "nConvLayers", "nf", "inChannels", "outChannels", "scales", "bias"]) {
      Reflect.deleteProperty(given, name);
    }
  }
  return kind === "FFDNet"
    ? await FFDNet.create({ ...given, weights } as FFDNetOptions)
    : await UNet.create({ ...given, weights } as UNetOptions);
}

for (const record of RECORDS) {
  onBothDevices(`${record.kind} ${JSON.stringify(record.options)} equals PyTorch`, async () => {
    using network = await create(record);
    assert.deepEqual([...network.stateDict().keys()], Object.keys(record.keys));
    using x = image(...record.shape);
    const levels = Array.from(
      { length: record.shape[0] },
      (_, b) => 0.1 + 0.2 * b / Math.max(1, record.shape[0] - 1),
    );
    using sigma = Tensor.from(levels);
    const values = Float32Array.from(record.output.values.split(" "), Number);
    using expected = Tensor.from(values, record.output.shape);
    (await (network as Denoiser).forward(x, sigma)).dispose();
    await assertNothingLeaks(async () => {
      using y = await (network as Denoiser).forward(x, sigma);
      const scale = Math.max(...values.map(Math.abs));
      const difference = await largestDifference(y, expected);
      assert.ok(difference <= 2e-5 * scale, `${difference} of ${scale}`);
    });
    using inferred = await create(record, true);
    using same = await (inferred as Denoiser).forward(x, sigma);
    using once = await (network as Denoiser).forward(x, sigma);
    assert.equal(await largestDifference(same, once), 0);
  });
}

onBothDevices("random FFDNet and UNet: seeds, state dicts, and refusals by name", async () => {
  for (
    const make of [
      (seed: number) => FFDNet.create({ nConvLayers: 3, nf: 4, seed }),
      (seed: number) => UNet.create({ scales: 2, nf: 4, seed }),
    ]
  ) {
    using a = await make(1);
    using b = await make(2);
    using x = image(1, 1, 6, 7);
    const forward = (network: Denoiser) => network.forward(x, 0.1);
    using before = await forward(b);
    using wanted = await forward(a);
    assert.ok(await largestDifference(before, wanted) > 1e-4);
    const state = a.stateDict();
    for (const key of state.keys()) if (key.endsWith("num_batches_tracked")) state.delete(key);
    await b.loadStateDict(state);
    using after = await forward(b);
    assert.equal(await largestDifference(after, wanted), 0);
    const [first, second] = state.keys();
    state.set("extra", state.get(first)!).set(second, Tensor.zeros([1, 2])).delete(first);
    await assert.rejects(() => b.loadStateDict(state), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`missing ${first.replaceAll(".", "\\.")}; unexpected extra; misshapen`),
      );
      return true;
    });
    using wide = image(1, 2, 6, 7);
    await assert.rejects(() => (a as Denoiser).forward(wide, 0.1), /of shape \(B, 1, H, W\)/);
  }
  await assert.rejects(FFDNet.create({ weights: new Map() }), /FFDNet's .* got none/);
  await assert.rejects(UNet.create({ weights: new Map() }), /UNet's .* got none/);
  await assert.rejects(UNet.create({ scales: 6 }), /scales must be 2, 3, 4 or 5, got 6/);
  await assert.rejects(UNet.create({ batchNorm: "x" as "biasfree" }), /batchNorm must be a boolean/);
  await assert.rejects(FFDNet.create({ nConvLayers: 1 }), /nConvLayers must be a whole number >= 2, got 1/);
  await assert.rejects(FFDNet.create({ norm: "layer" as "batch_norm" }), /norm must be "batch_norm"/);
  await assert.rejects(
    FFDNet.create({ weights: "small-color" }),
    /a \.safetensors or \.pth file, got "small-color"/,
  );
});
