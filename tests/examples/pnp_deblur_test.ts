import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { encodePng, readPng } from "../../src/io/mod.ts";
import { launch } from "../launch/launcher.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/pnp_deblur.ts", import.meta.url));

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the example restores its scene on 2 ranks as on one, and writes its pictures", async () => {
  await withFolder(async (folder) => {
    const { code, stdout, stderr } = await launch(
      [
        "-n",
        "2",
        EXAMPLE,
        "--size",
        "64",
        "--iterations",
        "8",
        "--patch-size",
        "32",
        "--overlap",
        "8",
        "--check",
      ],
      { cwd: folder },
    );
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /8\/8 {2}residual .* PSNR .* dB {2}0\.0 s left/);
    assert.match(stdout, /operators .* s/);
    assert.match(stdout, /denoiser .* s/);
    assert.match(stdout, /communication .* s/);
    assert.match(stdout, /largest difference to one process: \d\.\d+e-\d+/);
    const picture = await readPng(`${folder}/reconstruction.png`);
    assert.deepEqual([picture.height, picture.width], [64, 3 * 64 + 2 * 8]);
    assert.match(await Deno.readTextFile(`${folder}/convergence.svg`), /^<svg/);
    const psnr = [...stdout.matchAll(/PSNR ([\d.]+) dB/g)].map((match) => Number(match[1]));
    assert.ok(psnr[psnr.length - 1] > psnr[0] + 3, `PSNR rises: ${psnr}`);
  });
});

Deno.test("the example takes pictures of any size and kind", async () => {
  for (const [width, height, channels, bitDepth] of [[1, 1, 3, 8], [5, 2, 1, 16], [33, 17, 3, 16]] as const) {
    await withFolder(async (folder) => {
      const data = Float32Array.from({ length: width * height * channels }, (_, i) => (i % 7) / 6);
      await Deno.writeFile(`${folder}/in.png`, encodePng({ width, height, channels, data }, { bitDepth }));
      const args = ["--image", "in.png", "--iterations", "2", "--output", "out", "--check"];
      const { code, stdout, stderr } = await launch(["-n", "3", EXAMPLE, ...args], { cwd: folder });
      assert.equal(code, 0, stdout + stderr);
      const picture = await readPng(`${folder}/out/reconstruction.png`);
      assert.deepEqual([picture.height, picture.width], [height, 3 * width + 2 * 8]);
    });
  }
});

const MISTAKES: readonly [string, string[], Record<string, string>, RegExp][] = [
  ["a missing picture", ["--image", "nowhere.png"], {}, /nowhere\.png/],
  ["a picture that is not a PNG file", ["--image", "notes.png"], {}, /notes\.png.*PNG|PNG.*notes\.png/],
  [
    "an unknown device",
    [],
    { DEEPINV_DEVICE: "tpu" },
    /DEEPINV_DEVICE must be "auto", "gpu", "cpu", got "tpu"/,
  ],
  ["a size that is no number", ["--size", "big"], {}, /--size must be a whole number >= 1, got "big"/],
  ["an unknown option", ["--blur", "3"], {}, /--blur/],
];

for (const [what, args, env, message] of MISTAKES) {
  Deno.test(`the example says what is wrong with ${what} and ends with a failure`, async () => {
    await withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/notes.png`, "not a picture");
      const { code, stderr } = await launch(["-n", "2", EXAMPLE, ...args], { cwd: folder, env });
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    });
  });
}
