import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const skipGpu = Deno.env.get("DEEPINV_SKIP_GPU") === "1";

function worker(name: string): string {
  return fileURLToPath(new URL(`./workers/${name}.ts`, import.meta.url));
}

for (const device of ["cpu", "gpu"] as const) {
  for (const ranks of device === "cpu" ? [1, 2, 3, 5] : [1, 3]) {
    Deno.test({
      name: `distributed objects equal their local twins on ${ranks} ranks [${device}]`,
      ignore: device === "gpu" && skipGpu,
      fn: async () => {
        const { code, stdout, stderr } = await launch(["-n", String(ranks), worker("semantics"), device]);
        assert.equal(code, 0, stdout + stderr);
        assert.equal(stdout.match(/done/g)?.length, ranks);
      },
    });
  }
}

const reconstructions = new Map<string, Float32Array>();

async function reconstruction(device: "cpu" | "gpu", ranks: number): Promise<Float32Array> {
  const key = `${device} ${ranks}`;
  let values = reconstructions.get(key);
  if (!values) {
    const file = await Deno.makeTempFile();
    try {
      const { code, stdout, stderr } = await launch([
        "-n",
        String(ranks),
        worker("reconstruction"),
        device,
        file,
      ]);
      assert.equal(code, 0, stdout + stderr);
      values = new Float32Array((await Deno.readFile(file)).buffer);
      reconstructions.set(key, values);
    } finally {
      await Deno.remove(file);
    }
  }
  return values;
}

function largest(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  assert.ok(a.length > 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

for (const device of ["cpu", "gpu"] as const) {
  for (const ranks of [2, 3, 4, 7]) {
    Deno.test({
      name: `${ranks} ranks reconstruct what one rank does [${device}]`,
      ignore: device === "gpu" && skipGpu,
      fn: async () => {
        const difference = largest(await reconstruction(device, ranks), await reconstruction(device, 1));
        assert.ok(difference <= 1e-4, `largest difference ${difference}`);
      },
    });
  }
}

Deno.test({
  name: "the GPU reconstructs what the CPU does",
  ignore: skipGpu,
  fn: async () => {
    const difference = largest(await reconstruction("gpu", 1), await reconstruction("cpu", 1));
    assert.ok(difference <= 1e-3, `largest difference ${difference}`);
  },
});
