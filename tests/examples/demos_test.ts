import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readPng } from "../../src/io/mod.ts";
import { launch } from "../launch/launcher.ts";

/** Runs an example in a folder of its own. */
async function run(
  name: string,
  ranks: number,
  args: readonly string[],
  check: (stdout: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const example = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
    const settings = { cwd: folder, env: { DEEPINV_DEVICE: "cpu" } };
    const { code, stdout, stderr } = await launch(["-n", String(ranks), example, ...args], settings);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /rank 0 spent [\d.]+ s:/);
    await check(stdout, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function assertPicture(path: string, height: number, width: number): Promise<void> {
  const picture = await readPng(path);
  assert.deepEqual([picture.height, picture.width], [height, width]);
}

function numbers(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map((match) => Number(match[1]));
}

Deno.test("physics_demo: distributed operators equal undistributed ones, on more ranks than operators too", async () => {
  for (const ranks of [2, 4]) {
    await run("physics_demo", ranks, ["--size", "96"], async (stdout, folder) => {
      const differences = numbers(stdout, /max difference to one process (\S+)/g);
      assert.equal(differences.length, 3);
      differences.forEach((difference) => assert.ok(difference <= 3e-6, stdout));
      assert.equal(numbers(stdout, /rank (\d+) holds operators/g).length, ranks);
      await assertPicture(`${folder}/physics_demo.png`, 96, 5 * 96 + 4 * 8);
    });
  }
});

Deno.test("denoiser_demo: the tiled denoiser is close to the plain one, and removes noise", async () => {
  const args = ["--size", "128", "--patch-size", "64", "--overlap", "32"];
  await run("denoiser_demo", 2, args, async (stdout, folder) => {
    const [tiled, plain, noisy] = numbers(stdout, /PSNR ([\d.]+) dB/g);
    assert.ok(tiled > noisy + 5 && Math.abs(tiled - plain) < 0.5, stdout);
    assert.match(stdout, /difference between the two: mean \S+, max \S+/);
    await assertPicture(`${folder}/denoiser_demo.png`, 128, 4 * 128 + 3 * 8);
  });
});

Deno.test("super_resolution: several frames give more than one", async () => {
  const args = ["--size", "48", "--frames", "4", "--iterations", "15"];
  await run("super_resolution", 2, args, async (stdout, folder) => {
    const [one, all] = numbers(stdout, /frames? ([\d.]+) dB/g);
    assert.ok(all > one + 0.5, stdout);
    assert.match(stdout, /15\/15 {2}residual .* PSNR .* dB {2}0\.0 s left/);
    await assertPicture(`${folder}/super_resolution.png`, 48, 4 * 48 + 3 * 8);
  });
});

Deno.test("volume_3d: a volume is restored from three blurs, by tiles in three dimensions", async () => {
  const args = ["--size", "20", "--patch-size", "10", "--overlap", "3", "--iterations", "6"];
  await run("volume_3d", 2, args, async (stdout, folder) => {
    const [before, after] = numbers(stdout, /(?:measurement|restored) ([\d.]+) dB/g);
    assert.ok(after > before + 1, stdout);
    assert.match(stdout, /6\/6 {2}residual/);
    await assertPicture(`${folder}/volume_3d.png`, 40, 5 * 20 + 4 * 4);
  });
});
