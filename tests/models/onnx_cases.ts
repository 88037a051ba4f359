import { FileError } from "../../src/io/mod.ts";
import {
  FunctionDenoiser,
  OnnxDenoiser,
  type OnnxDenoiserOptions,
  type OnnxRuntime,
  OnnxRuntimeError,
} from "../../src/models/mod.ts";
import { openDevice, setDefaultDevice, Tensor } from "../../src/tensor/mod.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import assert from "node:assert/strict";

const model = (name: string) => new URL(`./fixtures/onnx/${name}.onnx`, import.meta.url);

/** The fixtures' convolution. */
function conv(x: Tensor, to: number): Tensor {
  const from = x.shape[1];
  const values = Float32Array.from({ length: to * from * 9 }, (_, i) => Math.sin(i + 1) / 4);
  using weights = Tensor.from(values, [to, from, 3, 3]);
  return x.conv2d(weights, { padding: 1 });
}

/** x + conv(relu(conv(x))) */
function blind(x: Tensor): Tensor {
  using inner = conv(x, 4);
  using active = inner.relu();
  using outer = conv(active, 2);
  return outer.add(x);
}

/** x + sigma conv(x) */
function scaled(x: Tensor, sigma: Tensor): Tensor {
  using inner = conv(x, 2);
  using weighted = inner.mul(sigma);
  return weighted.add(x);
}

async function assertClose(actual: Tensor, expected: Tensor, what = ""): Promise<void> {
  assert.deepEqual([...actual.shape], [...expected.shape], what);
  const difference = await largestDifference(actual, expected);
  assert.ok(difference < 1e-5, `${what}: ${difference}`);
}

onBothDevices("ONNX: a blind model of any size, and of a fixed batch, equals its layers", async () => {
  for (const name of ["blind", "fixed_batch"]) {
    await using denoiser = await OnnxDenoiser.create({ model: model(name), backend: "cpu", threads: 1 });
    assert.equal(denoiser.fixedSize, undefined);
    assert.equal(denoiser.backend, "cpu");
    for (const shape of [[1, 2, 7, 5], [3, 2, 16, 12]] as [number, number, number, number][]) {
      using x = image(...shape);
      using expected = blind(x);
      (await denoiser.forward(x, 0.1)).dispose();
      await assertNothingLeaks(async () => {
        using y = await denoiser.forward(x, 0.1);
        await assertClose(y, expected, `${name} (${shape})`);
      });
    }
  }
});

onBothDevices(
  "ONNX: a fixed size is met by padding or by tiles, also one that only the caller knows",
  async () => {
    for (
      const options of [{ model: model("fixed") }, { model: model("blind"), inputSize: [16, 12] }] as const
    ) {
      await using denoiser = await OnnxDenoiser.create({ ...options, backend: "cpu", overlap: 6 });
      assert.deepEqual(denoiser.fixedSize, [16, 12]);
      using own = image(2, 2, 16, 12);
      using expected = blind(own);
      using y = await denoiser.forward(own, 0);
      await assertClose(y, expected, "its own size");
      using large = image(1, 2, 45, 31); // tiles overlap by more than the layers' reach: as if whole
      using whole = blind(large);
      using tiled = await denoiser.forward(large, 0);
      await assertClose(tiled, whole, "tiles");
      using small = image(1, 2, 9, 30);
      using padded = small.pad([[0, 7], [0, 0]], "replicate");
      using continued = blind(padded);
      using cropped = continued.slice([null, null, [0, 9]]);
      using z = await denoiser.forward(small, 0);
      await assertClose(z, cropped, "padded");
    }
  },
);

onBothDevices("ONNX: the noise level goes in as a map, a channel or a value, whatever its form", async () => {
  using x = image(2, 2, 6, 8);
  using map = image(2, 1, 6, 8);
  using perItem = Tensor.from([0.2, 0.7]);
  using column = perItem.reshape([2, 1, 1, 1]);
  const forms: [number | Tensor, Tensor][] = [[0.3, Tensor.full([1, 1, 1, 1], 0.3)], [perItem, column], [
    map,
    map,
  ]];
  for (const name of ["scalar_0", "scalar_1", "scalar_b", "scalar_b111", "map", "map_first"]) {
    await using denoiser = await OnnxDenoiser.create({ model: model(name), backend: "cpu" });
    const takesMap = name.startsWith("map");
    for (const [sigma, broadcast] of forms) {
      if (sigma === map && !takesMap) {
        await assert.rejects(denoiser.forward(x, sigma), /one value per item \(2,\), got \(2, 1, 6, 8\)/);
        continue;
      }
      using y = await denoiser.forward(x, sigma);
      using expected = scaled(x, broadcast);
      await assertClose(y, expected, name);
    }
    for (const bad of [-1, NaN]) {
      await assert.rejects(denoiser.forward(x, bad), /sigma must be a finite number >= 0/);
    }
  }
  for (const noiseLevel of ["auto", "map"] as const) {
    await using denoiser = await OnnxDenoiser.create({ model: model("channel"), backend: "cpu", noiseLevel });
    for (const [sigma, broadcast] of forms) {
      using level = broadcast.expand([2, 1, 6, 8]);
      using input = Tensor.cat([x, level], 1);
      using expected = conv(input, 2);
      using y = await denoiser.forward(x, sigma);
      await assertClose(y, expected, `channel ${noiseLevel}`);
    }
  }
});

onBothDevices("ONNX: what cannot be used is refused by name", async () => {
  const create = (options: Partial<OnnxDenoiserOptions> & { name?: string }) => () =>
    OnnxDenoiser.create({ model: model(options.name ?? "blind"), backend: "cpu", ...options });
  await assert.rejects(
    create({ name: "three" }),
    /an image .* got x: float32 \[b,2,h,w\], s: float32 \[1\], t:/,
  );
  await assert.rejects(create({ name: "half" }), /its inputs must be of type float32, got x: float16/);
  await assert.rejects(create({ noiseLevel: "scalar" }), /as noiseLevel "scalar" says/);
  await assert.rejects(create({ name: "map", noiseLevel: "none" }), /as noiseLevel "none" says/);
  await assert.rejects(create({ name: "scalar_1", noiseLevel: "map" }), /a map \(B, 1, H, W\)/);
  await assert.rejects(create({ noiseLevel: "x" as "map" }), /noiseLevel must be "scalar"/);
  await assert.rejects(create({ backend: "cuda" as "cpu" }), /backend must be "cpu"/);
  await assert.rejects(create({ inputSize: [0, 3] }), /inputSize must be two whole numbers/);
  await assert.rejects(create({ overlap: -1 }), /overlap must be/);
  await assert.rejects(create({ threads: 0 }), /threads must be/);
  await assert.rejects(create({ model: "/nowhere/x.onnx" }), FileError);
  await assert.rejects(create({ model: new Uint8Array([1, 2, 3]) }), OnnxRuntimeError);
  await using denoiser = await create({})();
  using x = image(1, 3, 4, 4), flat = Tensor.ones([4, 4]), good = image(1, 2, 4, 4);
  await assert.rejects(denoiser.forward(x, 0), /x must be of 2 channels, got \(1, 3, 4, 4\)/);
  await assert.rejects(denoiser.forward(flat, 0), /x must be of shape \(B, C, H, W\)/);
  await using smaller = await create({ name: "smaller" })();
  await assert.rejects(smaller.forward(good, 0), /it gives \(1, 2, 2, 2\) for \(1, 2, 4, 4\)/);
});

onBothDevices(
  "ONNX: a missing runtime is an error that says what to do; another one can be passed",
  async () => {
    const runtime = {
      Tensor: class {
        constructor(readonly type: string, readonly data: Float32Array, readonly dims: readonly number[]) {}
      },
      InferenceSession: {
        create: () =>
          Promise.resolve({
            inputMetadata: [{ name: "x" }],
            outputMetadata: [],
            run: ({ x }: Record<string, { data: ArrayLike<number>; dims: readonly number[] }>) =>
              Promise.resolve({
                out: { data: Float32Array.from(x.data, (value) => 2 * value), dims: x.dims },
              }),
            release: () => Promise.resolve(),
          }),
      },
    } satisfies OnnxRuntime;
    await using denoiser = await OnnxDenoiser.create({
      model: new Uint8Array(1),
      backend: "webgpu",
      runtime,
    });
    using x = image(2, 3, 4, 5);
    using twice = x.mul(2);
    using y = await denoiser.forward(x, 0);
    await assertClose(y, twice);
  },
);

Deno.test("ONNX: where the package cannot be had, the error says what to do", async () => {
  const program = `import { loadOnnxRuntime } from ${
    JSON.stringify(import.meta.resolve("../../src/models/onnx_runtime.ts"))
  };
    await loadOnnxRuntime("cpu").catch((error) => console.log(error.name + ": " + error.message));`;
  const cache = await Deno.makeTempDir();
  try {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--no-lock",
        "--no-config",
        "--cached-only",
        "data:application/typescript," + encodeURIComponent(program),
      ],
      env: { DENO_DIR: cache },
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.match(
      text,
      /OnnxRuntimeError: Cannot load onnxruntime-node@1\.30\.0 \(cpu\): .*run "deno cache npm:/,
    );
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

onBothDevices("a function is a denoiser", async () => {
  const sigmas: unknown[] = [];
  const denoiser = new FunctionDenoiser((x, sigma) => {
    sigmas.push(sigma);
    return Promise.resolve(x.mul(0.5));
  });
  using x = image(1, 1, 3, 3);
  using y = await denoiser.forward(x, 0.1);
  using expected = x.mul(0.5);
  await assertClose(y, expected);
  assert.deepEqual(sigmas, [0.1]);
  using same = await new FunctionDenoiser((input) => input).forward(x, 0);
  assert.notEqual(same, x, "the result belongs to the caller");
  assert.throws(() => new FunctionDenoiser(3 as unknown as () => Tensor), /a function, got number/);
  const broken = new FunctionDenoiser(() => 3 as unknown as Tensor);
  await assert.rejects(broken.forward(x, 0), /the function's result must be a Tensor, got number/);
});

Deno.test({
  name: "ONNX: onnxruntime-web on WebGPU gives what onnxruntime-node gives",
  ignore: Deno.env.get("DEEPINV_SKIP_GPU") === "1",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    const device = await openDevice("gpu");
    setDefaultDevice(device);
    try {
      using x = image(1, 2, 16, 12);
      using expected = blind(x);
      for (const shareDevice of [true, false]) {
        const options = { backend: "webgpu", shareDevice } as const;
        await using denoiser = await OnnxDenoiser.create({ model: model("blind"), ...options });
        assert.equal(denoiser.sharesDevice, shareDevice);
        (await denoiser.forward(x, 0)).dispose();
        await assertNothingLeaks(async () => {
          using y = await denoiser.forward(x, 0);
          await assertClose(y, expected, `blind, shared: ${shareDevice}`);
        });
        using sigma = Tensor.from([0.2, 0.7]);
        using column = sigma.reshape([2, 1, 1, 1]);
        using noisy = image(2, 2, 7, 5);
        using weighted = scaled(noisy, column);
        await using taught = await OnnxDenoiser.create({ model: model("scalar_b"), ...options });
        using z = await taught.forward(noisy, sigma);
        await assertClose(z, weighted, `scalar_b, shared: ${shareDevice}`);
        using level = column.expand([2, 1, 7, 5]);
        await using mapped = await OnnxDenoiser.create({ model: model("map"), ...options });
        using w = await mapped.forward(noisy, level);
        await assertClose(w, weighted, `map, shared: ${shareDevice}`);
      }
    } finally {
      setDefaultDevice(undefined);
      device.close();
    }
  },
});

Deno.test({
  name: "ONNX: several models on one GPU device, asked at once, and the device closed before them",
  ignore: Deno.env.get("DEEPINV_SKIP_GPU") === "1",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    let device = await openDevice("gpu");
    setDefaultDevice(device);
    const open = (name = "blind") => OnnxDenoiser.create({ model: model(name), backend: "webgpu" });
    try {
      using x = image(1, 2, 16, 12), sigma = Tensor.from([0.4]);
      using column = sigma.reshape([1, 1, 1, 1]);
      using expected = blind(x), weighted = scaled(x, column);
      const [first, second] = await Promise.all([open(), open()]);
      await using other = await open("scalar_b");
      const results = await Promise.all([
        first.forward(x, 0),
        other.forward(x, 0.4),
        second.forward(x, 0),
        first.forward(x, 0),
        other.forward(x, 0.4),
      ]);
      for (const [i, y] of results.entries()) {
        await assertClose(y, i % 3 === 1 ? weighted : expected, `answer ${i}`);
        y.dispose();
      }
      await second.dispose();
      using still = await first.forward(x, 0);
      await assertClose(still, expected, "after another model was freed");
      const late = first.forward(x, 0).then((y) => y.dispose(), (error) => error);
      device.close();
      const outcome = await late;
      assert.ok(outcome === undefined || outcome instanceof Error);
      const closed = /Cannot run the model \(webgpu\): it runs on .*, which was closed; open the model again/;
      await assert.rejects(first.forward(x, 0), closed);
      device = await openDevice("gpu");
      setDefaultDevice(device);
      using here = image(1, 2, 16, 12);
      await assert.rejects(first.forward(here, 0), closed);
      await first.dispose();
      await using fresh = await open();
      using again = await fresh.forward(here, 0);
      using wanted = blind(here);
      await assertClose(again, wanted, "on the next device");
    } finally {
      setDefaultDevice(undefined);
      device.close();
    }
  },
});
