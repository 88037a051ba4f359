import { encodeSafetensors, FileError, type FloatArray, SafetensorsError } from "../../src/io/mod.ts";
import { DnCNN, DRUNet } from "../../src/models/mod.ts";
import { dncnnWeights, drunetWeights } from "../../src/models/pretrained.ts";
import { openDevice, setDefaultDevice } from "../../src/tensor/mod.ts";
import assert from "node:assert/strict";

const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url);

/** Runs a test with a cache folder of its own, and the default device. */
async function withCache(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const before = Deno.env.get("DEEPINV_CACHE");
  Deno.env.set("DEEPINV_CACHE", `${folder}/cache`);
  const device = await openDevice("cpu");
  setDefaultDevice(device);
  try {
    await body(`${folder}/cache`);
  } finally {
    setDefaultDevice(undefined);
    device.close();
    if (before === undefined) Deno.env.delete("DEEPINV_CACHE");
    else Deno.env.set("DEEPINV_CACHE", before);
    await Deno.remove(folder, { recursive: true });
  }
}

/** A server of files that counts what it sends. */
function serve(files: Record<string, () => Uint8Array<ArrayBuffer>>) {
  const counts: Record<string, number> = {};
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    counts[pathname] = (counts[pathname] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const file = files[pathname]?.();
    return file ? new Response(file) : new Response("", { status: 404 });
  });
  return {
    counts,
    base: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The checkpoints' values: sin(k + i) / 8, rounded to float16. */
async function assertDnCNN(denoiser: DnCNN): Promise<void> {
  assert.deepEqual(denoiser.config, { inChannels: 1, depth: 3, nf: 4, bias: true });
  let k = 0;
  for (const [key, tensor] of denoiser.stateDict()) {
    const expected = Float32Array.from(
      { length: tensor.numel },
      (_, i) => Math.f16round(Math.sin(k + i) / 8),
    );
    assert.deepEqual(await tensor.data(), expected, key);
    k++;
  }
}

Deno.test("weights come from PyTorch checkpoints and safetensors, by content, path or URL", async () => {
  await withCache(async (folder) => {
    const bytes = await Deno.readFile(fixture("dncnn_half.pth"));
    using half = await DnCNN.create({ weights: fixture("dncnn_half.pth").pathname });
    await assertDnCNN(half);
    using legacy = await DnCNN.create({ weights: fixture("dncnn_legacy.pth") });
    await assertDnCNN(legacy);
    const entries = new Map<string, FloatArray>();
    for (const [key, tensor] of half.stateDict()) {
      entries.set(key, { shape: tensor.shape, data: await tensor.data() });
    }
    for (const dtype of ["F16", "F32"] as const) {
      const typed = new Map([...entries].map(([key, entry]) => [key, { ...entry, dtype }]));
      const path = `${folder}.${dtype}.pth`; // the name misleads, the content tells
      await Deno.writeFile(path, encodeSafetensors(typed));
      using read = await DnCNN.create({ weights: path });
      await assertDnCNN(read);
    }
    await using server = serve({ "/w.safetensors": () => bytes });
    const url = `${server.base}/w.safetensors?download=true`;
    for (const weights of [url, new URL(url), { url }, { url: new URL(url) }]) {
      using fetched = await DnCNN.create({ weights });
      await assertDnCNN(fetched);
    }
    assert.equal(server.counts["/w.safetensors"], 1, "fetched once, then from the cache");
    await assert.rejects(DnCNN.create({ weights: `${server.base}/none` }), /the server answered 404/);
  });
});

Deno.test("many at once fetch a file once", async () => {
  await withCache(async () => {
    const bytes = await Deno.readFile(fixture("dncnn_half.pth"));
    await using server = serve({ "/w": () => bytes });
    const made = await Promise.all(
      Array.from({ length: 6 }, () => DnCNN.create({ weights: `${server.base}/w` })),
    );
    for (const denoiser of made) {
      await assertDnCNN(denoiser);
      denoiser.dispose();
    }
    assert.equal(server.counts["/w"], 1);
  });
});

Deno.test("several processes that ask at once fetch a file once", async () => {
  await withCache(async () => {
    const bytes = await Deno.readFile(fixture("dncnn_half.pth"));
    await using server = serve({ "/w": () => bytes });
    const program = `import { readFetched } from ${
      JSON.stringify(import.meta.resolve("../../src/io/mod.ts"))
    };
      console.log((await readFetched({ url: ${JSON.stringify(`${server.base}/w`)} })).length);`;
    const outputs = await Promise.all(
      Array.from(
        { length: 4 },
        () => new Deno.Command(Deno.execPath(), { args: ["eval", program], stderr: "inherit" }).output(),
      ),
    );
    for (const { stdout } of outputs) {
      assert.equal(Number(new TextDecoder().decode(stdout)), bytes.length);
    }
    assert.equal(server.counts["/w"], 1);
  });
});

Deno.test("weights are checked by their SHA-256, from anywhere", async () => {
  await withCache(async (folder) => {
    const good = await Deno.readFile(fixture("dncnn_half.pth"));
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", good)).toHex();
    let current = good.slice(0, 100);
    await using server = serve({ "/w": () => current });
    const url = `${server.base}/w`;
    const refused = (error: Error) => {
      assert.ok(error instanceof FileError, String(error));
      assert.match(
        error.message,
        new RegExp(`its SHA-256 must be ${sha256}, got [0-9a-f]{64} \\(100 bytes\\)`),
      );
      return true;
    };
    await assert.rejects(DnCNN.create({ weights: { url, sha256 } }), refused);
    const kept = [...Deno.readDirSync(`${folder}/files`)].filter(({ name }) => !name.endsWith(".lock"));
    assert.deepEqual(kept, [], "nothing wrong is kept");
    await assert.rejects(DnCNN.create({ weights: url }), /truncated/);
    await assert.rejects(DnCNN.create({ weights: url }), /truncated/); // fetched again: nothing useless is kept
    current = good;
    using fetched = await DnCNN.create({ weights: { url, sha256: sha256.toUpperCase() } });
    await assertDnCNN(fetched);
    using again = await DnCNN.create({ weights: { url, sha256 } });
    await assertDnCNN(again);
    assert.equal(server.counts["/w"], 4);
    using local = await DnCNN.create({ weights: { url: fixture("dncnn_half.pth"), sha256 } });
    await assertDnCNN(local);
    const other = { url: fixture("dncnn_legacy.pth").pathname, sha256 };
    await assert.rejects(DnCNN.create({ weights: other }), /its SHA-256 must be/);
    await assert.rejects(
      DnCNN.create({ weights: { url, sha256: "abc" } }),
      /64 hexadecimal digits, got "abc"/,
    );
  });
});

Deno.test("weights of no known kind are refused", async () => {
  await assert.rejects(DnCNN.create({ weights: 3 as unknown as string }), /weights must be a built-in name/);
  await assert.rejects(
    DnCNN.create({ weights: {} as unknown as string }),
    /a Map of parameters or null, got object/,
  );
  await assert.rejects(DnCNN.create({ weights: "data:,hello%20world!" }), SafetensorsError);
  await assert.rejects(
    DRUNet.create({ weights: fixture("dncnn_half.pth") }),
    /DRUNet's .*, got in_conv\.weight/,
  );
});

Deno.test('"download" stands for deepinv\'s own files, by channels', () => {
  const base = "https://huggingface.co/deepinv/";
  const file = (path: string) => new URL(`${base}${path}?download=true`);
  assert.deepEqual(
    drunetWeights(3, 3).download,
    file("drunet/resolve/main/drunet_deepinv_color_finetune_22k.pth"),
  );
  assert.deepEqual(
    drunetWeights(1, 1).download,
    file("drunet/resolve/main/drunet_deepinv_gray_finetune_26k.pth"),
  );
  assert.deepEqual(Object.keys(drunetWeights(2, 2)), ["small-color"]);
  assert.deepEqual(dncnnWeights(1, 1), {
    download: file("dncnn/resolve/main/dncnn_sigma2_gray.pth"),
    download_lipschitz: file("dncnn/resolve/main/dncnn_sigma2_lipschitz_gray.pth"),
  });
  assert.deepEqual(dncnnWeights(1, 3), {});
});
