/** PNG files: `readPng` and `writePng`, around the pure `decodePng` and `encodePng`. */
import { locationName, readBytes, writeBytes } from "./files.ts";
import type { PlanarImage } from "./planar_image.ts";
import { decodePng, type DecodePngOptions } from "./png_decode.ts";
import { encodePng, type EncodePngOptions } from "./png_encode.ts";

/**
 * Reads a PNG file; see {@linkcode decodePng} for what it accepts and gives.
 *
 * @param location a path or URL
 * @param options.maxPixels largest width x height accepted; default 100,000,000
 * @throws {FileError} if the file cannot be read
 * @throws {PngError} if it is not a valid PNG image, or is too large
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodePng, readPng } from "@deepinv/distributed/io";
 *
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = Float32Array.of(0, 1, 1, 0);
 * await Deno.writeFile(path, encodePng({ width: 2, height: 2, channels: 1, data }));
 * const picture = await readPng(path, { maxPixels: 1e6 }); // refuses larger ones
 * assert.deepEqual(picture, { width: 2, height: 2, channels: 1, data });
 * await Deno.remove(path);
 * ```
 */
export async function readPng(
  location: string | URL,
  options: Pick<DecodePngOptions, "maxPixels"> = {},
): Promise<PlanarImage> {
  return decodePng(await readBytes(location), { ...options, path: locationName(location) });
}

/**
 * Writes a picture as a PNG file; see {@linkcode encodePng}.
 *
 * @param path a path or `file:` URL, replaced if it exists
 * @throws {InvalidArgumentError} if the picture cannot be encoded
 * @throws {FileError} if the file cannot be written
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readPng, writePng } from "@deepinv/distributed/io";
 *
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = Float32Array.of(0, 0.3, 0.6, 1, 0.5, 0); // a red, a green and a blue plane of two pixels
 * await writePng(path, { width: 2, height: 1, channels: 3, data }, { bitDepth: 16 });
 * const back = await readPng(path);
 * assert.ok(back.data.every((value, i) => Math.abs(value - data[i]) <= 0.5 / 65535 + 1e-7));
 * await Deno.remove(path);
 * ```
 */
export async function writePng(
  path: string | URL,
  image: PlanarImage,
  options: EncodePngOptions = {},
): Promise<void> {
  await writeBytes(path, encodePng(image, options));
}
