import assert from "node:assert/strict";
import { decodePng } from "../../src/io/png_decode.ts";
import { encodePng } from "../../src/io/png_encode.ts";
import { readPng, writePng } from "../../src/io/png.ts";
import { FileError } from "../../src/io/files.ts";
import { PngError } from "../../src/io/png_error.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";

function picture(width: number, height: number, channels: 1 | 3, max: number) {
  const data = new Float32Array(channels * width * height);
  for (let i = 0; i < data.length; i++) data[i] = ((i * 7919 + (i * i) % 641) % (max + 1)) / max;
  return { width, height, channels, data };
}

for (const bitDepth of [8, 16] as const) {
  for (const channels of [1, 3] as const) {
    for (const [width, height] of [[1, 1], [1, 17], [17, 1], [13, 7], [64, 48]]) {
      Deno.test(`encodePng keeps every level: ${bitDepth} bits, ${width} x ${height} x ${channels}`, () => {
        const image = picture(width, height, channels, 2 ** bitDepth - 1);
        const file = encodePng(image, { bitDepth });
        assert.equal(file[24], bitDepth);
        assert.deepEqual(decodePng(file), image);
      });
    }
  }
}

Deno.test("encodePng rounds to the nearest level and clamps to [0, 1]", () => {
  const data = Float32Array.from([-1, -Infinity, 2, Infinity, 0.4999 / 255, 0.5001 / 255]);
  const decoded = decodePng(encodePng({ width: 6, height: 1, channels: 1, data }));
  assert.deepEqual([...decoded.data], [0, 0, 1, 1, 0, Math.fround(1 / 255)]);
});

Deno.test("encodePng filters: a smooth gradient takes far less room than its pixels", () => {
  const data = Float32Array.from({ length: 256 * 256 }, (_, i) => ((i >> 8) + (i & 255)) / 510);
  assert.ok(encodePng({ width: 256, height: 256, channels: 1, data }, { bitDepth: 16 }).length < 5000);
});

Deno.test("encodePng names the place of a NaN", () => {
  const image = picture(4, 3, 3, 255);
  image.data[(1 * 3 + 2) * 4 + 3] = NaN;
  assert.throws(() => encodePng(image), (error) => {
    assert.ok(error instanceof InvalidArgumentError);
    assert.equal(
      error.message,
      "Cannot encode PNG: image must be free of NaN, got NaN at channel 1, row 2, column 3",
    );
    return true;
  });
});

Deno.test("encodePng refuses sizes that do not fit", () => {
  const data = new Float32Array(4);
  const encode = (fields: object, options?: object) => () =>
    encodePng(
      { width: 2, height: 2, channels: 1, data, ...fields } as Parameters<typeof encodePng>[0],
      options,
    );
  assert.throws(encode({ width: 3 }), /data must be of shape \(1, 2, 3\), got 4 values/);
  assert.throws(encode({ width: 0 }), /width must be an integer/);
  assert.throws(encode({ height: 1.5 }), /height must be an integer/);
  assert.throws(encode({ channels: 2 }), /channels must be 1 or 3, got 2/);
  assert.throws(encode({}, { bitDepth: 4 }), /bitDepth must be 8 or 16, got 4/);
});

Deno.test("writePng and readPng keep a picture on disk; errors name the file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/a picture.png`;
    const image = picture(5, 4, 3, 255);
    await writePng(path, image);
    assert.deepEqual(await readPng(path), image);
    assert.deepEqual(await readPng(new URL(`file://${encodeURI(path)}`)), image);
    await assert.rejects(
      readPng(path, { maxPixels: 19 }),
      /Cannot decode PNG .*a picture\.png: it is too large/,
    );
    await assert.rejects(readPng(`${folder}/none.png`), (error) => {
      assert.ok(error instanceof FileError);
      assert.match(error.message, /^Cannot read .*none\.png: no such file or folder$/);
      return true;
    });
    await assert.rejects(readPng(folder), FileError);
    await assert.rejects(
      writePng(`${folder}/none/x.png`, image),
      /Cannot write .*x\.png: no such file or folder/,
    );
    await assert.rejects(writePng("https://example.org/x.png", image), /cannot be written to/);
    await Deno.writeTextFile(path, "\xff\xd8\xff not a png");
    await assert.rejects(readPng(path), (error) => error instanceof PngError && error.path === path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
