import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readPng } from "../../src/io/mod.ts";
import { launch } from "../launch/launcher.ts";

/** Each example on a small problem: what its picture has side by side, and who must do better by how many dB. */
const EXAMPLES = [
  {
    name: "ct_fista_tv",
    args: ["--size", "48", "--angles", "24", "--iterations", "40"],
    pictures: 3,
    quality: /PSNR of fbp ([\d.]+) dB, of FISTA ([\d.]+) dB/,
    gain: 1,
  },
  {
    name: "mri_multicoil",
    args: ["--size", "48", "--coils", "5", "--acceleration", "3", "--iterations", "10"],
    pictures: 4,
    quality: /PSNR of SENSE ([\d.]+) dB, of ADMM ([\d.]+) dB/,
    gain: 3,
  },
];

for (const { name, args, pictures, quality, gain } of EXAMPLES) {
  Deno.test(`${name} restores its phantom, on several ranks as on one, and writes its picture`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const example = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
      const found: number[] = [];
      for (const ranks of [1, 3]) {
        const settings = { cwd: folder, env: { DEEPINV_DEVICE: "cpu" } };
        const { code, stdout, stderr } = await launch(["-n", String(ranks), example, ...args], settings);
        assert.equal(code, 0, stdout + stderr);
        assert.match(stdout, /rank 0 spent [\d.]+ s:/);
        const [, before, after] = quality.exec(stdout)!.map(Number);
        assert.ok(after > before + gain, stdout);
        found.push(after);
        const { height, width } = await readPng(`${folder}/${name}.png`);
        assert.deepEqual([height, width], [48, pictures * 48 + (pictures - 1) * 8]);
      }
      assert.ok(Math.abs(found[0] - found[1]) <= 0.02, `PSNR ${found} dB`);
      const wrong = await launch([example, "--parts", "11"], { cwd: folder, env: { DEEPINV_DEVICE: "cpu" } });
      assert.notEqual(wrong.code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
