import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { decodePng } from "../../src/io/png_decode.ts";
import { PngError } from "../../src/io/png_error.ts";
import fixtures from "./fixtures/png_imagemagick.json" with { type: "json" };
import { chunk, idat, ihdr, pngFile } from "./png_bytes.ts";

const base64 = (text: string) => Uint8Array.fromBase64(text);

for (const [name, { width, height, png, rgba16 }] of Object.entries(fixtures)) {
  Deno.test(`decodePng agrees with ImageMagick: ${name}`, () => {
    const image = decodePng(base64(png));
    assert.deepEqual([image.width, image.height], [width, height]);
    assert.equal(image.channels, name.startsWith("gray") ? 1 : 3);
    const pixels = new Uint16Array(base64(rgba16).buffer);
    for (let p = 0; p < width * height; p++) {
      const alpha = pixels[4 * p + 3] / 65535;
      for (let c = 0; c < image.channels; c++) {
        const expected = alpha * pixels[4 * p + c] / 65535 + 1 - alpha;
        const got = image.data[c * width * height + p];
        assert.ok(Math.abs(got - expected) < 1e-6, `pixel ${p} channel ${c}: ${got}, expected ${expected}`);
      }
    }
  });
}

for (const [bitDepth, colorType] of [[1, 0], [2, 0], [4, 3], [8, 2], [16, 6]]) {
  for (let filter = 0; filter < 5; filter++) {
    Deno.test(`decodePng undoes filter ${filter} at bit depth ${bitDepth}, color type ${colorType}`, () => {
      const samples = new Map([[0, 1], [2, 3], [3, 1], [6, 4]]).get(colorType)!;
      const [width, height] = [11, 4];
      const rowBytes = Math.ceil(width * samples * bitDepth / 8);
      const bpp = Math.max(1, samples * bitDepth / 8);
      const rows = Array.from(
        { length: height },
        (_, y) => Array.from({ length: rowBytes }, (_, i) => (71 * i * i + 13 * y * i + 37 * y + 5) & 255),
      );
      const colors = chunk("PLTE", Array.from({ length: 48 }, (_, i) => (i * 29) & 255));
      const file = (filter: number) =>
        pngFile(
          ihdr(width, height, bitDepth, colorType),
          colors,
          idat(filtered(rows, bpp, filter)),
          chunk("IEND"),
        );
      assert.deepEqual(decodePng(file(filter)), decodePng(file(0)));
      assert.ok(new Set(decodePng(file(filter)).data).size > 1);
    });
  }
}

function filtered(rows: number[][], bpp: number, filter: number): number[] {
  return rows.flatMap((row, y) => {
    const at = (j: number, i: number) => rows[j]?.[i] ?? 0;
    const bytes = row.map((x, i) => {
      const [a, b, c] = [at(y, i - bpp), at(y - 1, i), at(y - 1, i - bpp)];
      const [pa, pb, pc] = [b - c, a - c, a + b - 2 * c].map(Math.abs);
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      return (x - [0, a, b, Math.floor((a + b) / 2), paeth][filter]) & 255;
    });
    return [filter, ...bytes];
  });
}

Deno.test("decodePng composites transparent colors over white", () => {
  const end = chunk("IEND");
  const gray = pngFile(ihdr(3, 1, 8, 0), chunk("tRNS", [0, 51]), idat([0, 0, 51, 102]), end);
  assert.deepEqual([...decodePng(gray).data], [0, 1, Math.fround(0.4)]);
  const rgb = pngFile(ihdr(2, 1, 8, 2), chunk("tRNS", [0, 1, 0, 2, 0, 3]), idat([0, 1, 2, 3, 1, 2, 4]), end);
  assert.deepEqual([...decodePng(rgb).data], [1, 1 / 255, 1, 2 / 255, 1, 4 / 255].map(Math.fround));
  const deep = pngFile(ihdr(2, 1, 16, 0), chunk("tRNS", [1, 2]), idat([0, 1, 2, 1, 3]), end);
  assert.deepEqual([...decodePng(deep).data], [1, Math.fround(259 / 65535)]);
  const palette = pngFile(
    ihdr(3, 1, 2, 3),
    chunk("PLTE", [255, 0, 0, 0, 255, 0, 0, 0, 0]),
    chunk("tRNS", [0, 51]),
    idat([0, 0b00011000]),
    end,
  );
  assert.deepEqual([...decodePng(palette).data], [1, 0.8, 0, 1, 1, 0, 1, 0.8, 0].map(Math.fround));
});

Deno.test("decodePng takes image data in any number of chunks, and looks at nothing after IEND", () => {
  const stream = deflateSync(Uint8Array.from([0, 10, 20, 0, 30, 40]));
  const parts = Array.from(stream, (byte) => chunk("IDAT", [byte]));
  const file = pngFile(
    ihdr(2, 2, 8, 0),
    chunk("tEXt", [65, 0, 66]),
    chunk("IDAT"),
    ...parts,
    chunk("IEND"),
    [1, 2, 3],
  );
  assert.deepEqual([...decodePng(file).data], [10, 20, 30, 40].map((value) => Math.fround(value / 255)));
});

Deno.test("decodePng reads from a view with an offset", () => {
  const file = pngFile(ihdr(1, 1, 8, 0), idat([0, 255]), chunk("IEND"));
  const padded = new Uint8Array(file.length + 7);
  padded.set(file, 3);
  assert.deepEqual([...decodePng(padded.subarray(3, 3 + file.length)).data], [1]);
});

const good = pngFile(ihdr(2, 2, 8, 0), idat([0, 1, 2, 0, 3, 4]), chunk("IEND"));
const text = (characters: string) => Uint8Array.from(characters, (character) => character.charCodeAt(0));
const end = chunk("IEND");
const pixels = idat([0, 1, 2, 0, 3, 4]);
const header = ihdr(2, 2, 8, 0);

const REFUSED: [what: string, bytes: Uint8Array, message: RegExp][] = [
  ["an empty file", new Uint8Array(0), /the file is empty/],
  ["a JPEG", text("\xff\xd8\xff\xe0\0\x10JFIF"), /a JPEG image; convert it to PNG first/],
  ["a GIF", text("GIF89a\x01\0"), /a GIF image; convert it to PNG/],
  ["a WebP", text("RIFF\0\0\0\0WEBPVP8 "), /a WebP image; convert it to PNG/],
  [
    "text",
    text("hello, world"),
    /of an unknown format, its first bytes 68 65 6c 6c 6f 2c 20 77; a PNG image is needed/,
  ],
  [
    "a file mangled in text mode",
    text("\x89PNG\n\x1a\n\0\0\0\rIHDR"),
    /signature is damaged, as after a transfer/,
  ],
  ["a signature alone", pngFile(), /ends before its IEND/],
  ["part of a signature", text("\x89PNG\r"), /ends inside its signature/],
  ["no header", pngFile(pixels, end), /IDAT chunk before the header/],
  ["two headers", pngFile(header, header, pixels, end), /IHDR chunk after the header/],
  ["no image data", pngFile(header, end), /no image data/],
  ["width 0", pngFile(ihdr(0, 2, 8, 0), pixels, end), /invalid: a size of 0 x 2/],
  ["bit depth 3", pngFile(ihdr(2, 2, 3, 0), pixels, end), /bit depth 3 with color type 0/],
  ["4-bit RGB", pngFile(ihdr(2, 2, 4, 2), pixels, end), /bit depth 4 with color type 2/],
  ["color type 1", pngFile(ihdr(2, 2, 8, 1), pixels, end), /color type 1/],
  ["interlace method 2", pngFile(ihdr(2, 2, 8, 0, 2), pixels, end), /interlace method 2/],
  ["filter type 5", pngFile(header, idat([5, 1, 2, 0, 3, 4]), end), /filter type 5/],
  ["too little data", pngFile(header, idat([0, 1, 2, 0, 3]), end), /5 of the 6 bytes that 2 x 2 pixels need/],
  [
    "too much data",
    pngFile(header, idat([0, 1, 2, 0, 3, 4, 0]), end),
    /more image data than 2 x 2 pixels need/,
  ],
  ["data that is not zlib", pngFile(header, chunk("IDAT", [1, 2, 3, 4, 5]), end), /cannot be decompressed/],
  [
    "an unfinished zlib stream",
    pngFile(header, chunk("IDAT", [...deflateSync(new Uint8Array(6)).subarray(0, 6)]), end),
    /truncated: its compressed/,
  ],
  [
    "image data in two places",
    pngFile(header, pixels, chunk("tEXt"), pixels, end),
    /IDAT chunk is repeated or out of place/,
  ],
  ["an unknown critical chunk", pngFile(header, chunk("ABCD"), pixels, end), /not known, ABCD/],
  ["a palette image without palette", pngFile(ihdr(2, 2, 8, 3), pixels, end), /PLTE chunk\) is missing/],
  [
    "a palette of 4 bytes",
    pngFile(ihdr(2, 2, 8, 3), chunk("PLTE", [1, 2, 3, 4]), pixels, end),
    /palette has 4 bytes/,
  ],
  [
    "an index outside the palette",
    pngFile(ihdr(2, 2, 8, 3), chunk("PLTE", [1, 2, 3, 4, 5, 6]), pixels, end),
    /color 2 of a palette of 2/,
  ],
  [
    "a tRNS chunk of the wrong size",
    pngFile(header, chunk("tRNS", [1]), pixels, end),
    /tRNS chunk has 1 bytes instead of 2/,
  ],
  [
    "too many transparent entries",
    pngFile(ihdr(2, 2, 8, 3), chunk("PLTE", [1, 2, 3]), chunk("tRNS", [1, 2]), pixels, end),
    /2 entries for a palette of 1/,
  ],
  [
    "more pixels than the limit",
    pngFile(ihdr(20_000, 20_000, 8, 2), pixels, end),
    /too large: 20000 x 20000 pixels where at most 100000000/,
  ],
  ["a decompression bomb", pngFile(header, idat(new Uint8Array(5_000_000)), end), /more image data than/],
];

for (const [what, bytes, message] of REFUSED) {
  Deno.test(`decodePng refuses ${what}`, () => {
    assert.throws(() => decodePng(bytes, { path: "photo.png" }), (error) => {
      assert.ok(error instanceof PngError, String(error));
      assert.equal(error.path, "photo.png");
      assert.match(error.message, /^Cannot decode PNG photo\.png: /);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("decodePng refuses every truncation and every flipped byte with a PngError", () => {
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => decodePng(good.subarray(0, length)), PngError, `first ${length} bytes`);
  }
  for (let at = 0; at < good.length; at++) {
    const damaged = good.slice();
    damaged[at] ^= 0x55;
    assert.throws(() => decodePng(damaged), PngError, `byte ${at} flipped`);
  }
});

Deno.test("decodePng takes a larger or smaller limit on pixels", () => {
  assert.equal(decodePng(good, { maxPixels: 4 }).width, 2);
  assert.throws(() => decodePng(good, { maxPixels: 3 }), /at most 3 are accepted/);
});
