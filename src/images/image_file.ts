import type { PlanarImage } from "../io/planar_image.ts";
import { readPng, writePng } from "../io/png.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * Reads a PNG file of any kind (1 to 16 bits; gray, colour, palette; transparency is laid over white).
 *
 * @param location a path, or a `file:`, `http:`, `https:` or `data:` URL
 * @returns (1, C, H, W) in [0, 1], C = 1 for gray and 3 for colour, in the file's own encoding (usually sRGB)
 * @throws {FileError} when the file cannot be read
 * @throws {PngError} when it is not a valid PNG file
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, readImage, setDefaultDevice, sheppLogan, writeImage } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * await writeImage(path, sheppLogan(16));
 * const x = await readImage(path);
 * assert.deepEqual(x.shape, [1, 1, 16, 16]); // gray; a colour picture has three channels
 * assert.ok(await x.sub(sheppLogan(16)).abs().max().item() < 1 / 255);
 * await Deno.remove(path);
 * ```
 */
export async function readImage(location: string | URL, options: TensorOptions = {}): Promise<Tensor> {
  const { data, channels, height, width } = await readPng(location);
  return Tensor.from(data, [1, channels, height, width], options);
}

/**
 * Writes an image as a PNG file; values outside [0, 1] are clamped.
 *
 * @param path a path or `file:` URL, replaced if it exists
 * @param image (1, C, H, W), (C, H, W) or (H, W), C = 1 or 3
 * @param options.bitDepth bits per sample: 8 (default) or 16
 * @throws {InvalidArgumentError} for other shapes and bit depths, and for NaN
 * @throws {FileError} when the file cannot be written
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, openDevice, readImage, setDefaultDevice, writeImage } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = deadLeaves({ size: 16, seed: 1 });
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * await writeImage(path, x, { bitDepth: 16 });
 * assert.ok(await (await readImage(path)).sub(x).abs().max().item() < 1 / 65535);
 * await assert.rejects(writeImage(path, x.expand([2, 3, 16, 16])), /its shape must be \(1, C, H, W\)/);
 * await Deno.remove(path);
 * ```
 */
export async function writeImage(
  path: string | URL,
  image: Tensor,
  options: { bitDepth?: 8 | 16 } = {},
): Promise<void> {
  const { shape } = image;
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape.slice(-3);
  const one = shape.length === 2 || shape.length === 3 || (shape.length === 4 && shape[0] === 1);
  if (!one || (channels !== 1 && channels !== 3) || image.numel === 0) {
    throw new InvalidArgumentError(
      "write an image",
      "its shape",
      "(1, C, H, W), (C, H, W) or (H, W), C = 1 or 3",
      formatShape(shape),
    );
  }
  const planar: PlanarImage = { data: await image.data(), channels: channels as 1 | 3, height, width };
  await writePng(path, planar, options);
}
