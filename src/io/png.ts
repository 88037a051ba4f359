/** PNG files: `readPng` and `writePng`, around the pure `decodePng` and `encodePng`. */
import { locationName, readBytes, writeBytes } from "./files.ts";
import type { PlanarImage } from "./planar_image.ts";
import { decodePng, type DecodePngOptions } from "./png_decode.ts";
import { encodePng, type EncodePngOptions } from "./png_encode.ts";

/**
 * Reads a PNG file; see {@linkcode decodePng} for what it accepts and gives.
 *
 * @param location a path or URL
 * @throws {FileError} if the file cannot be read
 * @throws {PngError} if it is not a valid PNG image, or is too large
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
 */
export async function writePng(
  path: string | URL,
  image: PlanarImage,
  options: EncodePngOptions = {},
): Promise<void> {
  await writeBytes(path, encodePng(image, options));
}
