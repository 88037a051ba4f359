import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readPng } from "../../src/io/mod.ts";
import { launch } from "../launch/launcher.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/radio_interferometry.ts", import.meta.url));

Deno.test("the example reconstructs its sky on 2 ranks as on one, and writes its pictures", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const sizes = [
      "--size",
      "128",
      "--antennas",
      "18",
      "--times",
      "20",
      "--iterations",
      "20",
      "--parts",
      "3",
    ];
    const { code, stdout, stderr } = await launch(["-n", "2", EXAMPLE, ...sizes, "--check"], { cwd: folder });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /128 x 128 pixels, 3060 visibilities in 3 parts, 2 ranks/);
    assert.match(stdout, /operators .* s/);
    assert.match(stdout, /largest difference to one process: \d\.\d+e[-+]\d+/);
    const picture = await readPng(`${folder}/radio_sky.png`);
    assert.deepEqual([picture.height, picture.width], [128, 3 * 128 + 2 * 8]);
    assert.match(await Deno.readTextFile(`${folder}/radio_convergence.svg`), /^<svg/);
    const psnr = [...stdout.matchAll(/PSNR ([\d.]+) dB/g)].map((match) => Number(match[1]));
    assert.ok(psnr[psnr.length - 1] > psnr[0] + 1, `PSNR rises: ${psnr}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the example refuses settings out of range", async () => {
  for (const [flag, value] of [["--noise", "much"], ["--size", "4"], ["--parts", "1.5"]]) {
    const { code, stderr } = await launch(["-n", "1", EXAMPLE, flag, value]);
    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`Cannot run: ${flag} must be`));
  }
});
