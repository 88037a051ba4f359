import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readPng } from "../../src/io/mod.ts";
import { launch } from "../launch/launcher.ts";

Deno.test("the custom strategy's example restores the seam better than the usual tiling, on 1 rank as on 3", async () => {
  const example = fileURLToPath(new URL("../../examples/custom_strategy.ts", import.meta.url));
  const found: string[] = [];
  for (const ranks of [1, 3]) {
    const folder = await Deno.makeTempDir();
    try {
      const args = ["-n", String(ranks), "--device", "cpu", example, "--size", "64", "--iterations", "4"];
      const { code, stdout, stderr } = await launch(args, { cwd: folder });
      assert.equal(code, 0, stdout + stderr);
      const [, own, usual] = stdout.match(
        /near the seam: PSNR ([\d.]+) dB, with the usual tiling ([\d.]+) dB/,
      )!;
      assert.ok(Number(own) >= Number(usual), stdout);
      found.push(own);
      const picture = await readPng(`${folder}/custom_strategy.png`);
      assert.deepEqual([picture.height, picture.width], [4 * 64, 3 * 64]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  assert.equal(found[0], found[1]);
});
