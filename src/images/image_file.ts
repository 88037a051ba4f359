import type { PlanarImage } from "../io/planar_image.ts";
import { readPng, writePng } from "../io/png.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/**
 * Reads a PNG file of any kind (1 to 16 bits; gray, colour, palette; transparency is laid over white).
 *
 * @returns (1, C, H, W) in [0, 1], C = 1 for gray and 3 for colour
 * @throws {FileError} when the file cannot be read
 * @throws {PngError} when it is not a valid PNG file
 */
export async function readImage(location: string | URL, options: TensorOptions = {}): Promise<Tensor> {
  const { data, channels, height, width } = await readPng(location);
  return Tensor.from(data, [1, channels, height, width], options);
}

/**
 * Writes an image as a PNG file; values outside [0, 1] are clamped.
 *
 * @param image (1, C, H, W), (C, H, W) or (H, W), C = 1 or 3
 * @throws {InvalidArgumentError} for other shapes and for NaN
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
