import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readPng } from "../../src/io/mod.ts";
import { launch } from "../launch/launcher.ts";

Deno.test("custom_operator: an operator written in the example is distributed, and its image restored", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const example = fileURLToPath(new URL("../../examples/custom_operator.ts", import.meta.url));
    const args = ["--size", "48", "--cameras", "3", "--iterations", "15"];
    const settings = { cwd: folder, env: { DEEPINV_DEVICE: "cpu" } };
    const { code, stdout, stderr } = await launch(["-n", "2", example, ...args], settings);
    assert.equal(code, 0, stdout + stderr);
    const dotTest = /dot test: (\S+) for (\d+) values/.exec(stdout);
    assert.ok(Number(dotTest?.[1]) <= 1e-5 * Number(dotTest?.[2]), stdout);
    const quality = /first exposure ([\d.]+) dB, restored ([\d.]+) dB/.exec(stdout);
    assert.ok(Number(quality?.[2]) > Number(quality?.[1]) + 3, stdout);
    assert.match(stdout, /rank 0 spent [\d.]+ s:/);
    const picture = await readPng(`${folder}/custom_operator.png`);
    assert.deepEqual([picture.height, picture.width], [48, 3 * 48 + 2 * 8]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
