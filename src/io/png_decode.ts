/**
 * Decodes any PNG image: chunks are checked, the image data is inflated into exactly the size that the header implies,
 * each row is unfiltered, and its samples become numbers in [0, 1].
 */
import { inflateSync } from "node:zlib";
import type { PlanarImage } from "./planar_image.ts";
import { readChunks } from "./png_chunks.ts";
import { PngError } from "./png_error.ts";
import { unfilterRow } from "./png_filters.ts";
import {
  bytesPerRow,
  ColorType,
  imagePasses,
  inflatedSize,
  parseHeader,
  type PngHeader,
  samplesPerPixel,
} from "./png_header.ts";
import { decodedChannels, pixelWriter, type PngColors, unpackSamples } from "./png_pixels.ts";

/** Largest picture decoded unless `maxPixels` says otherwise: 100 megapixels, 1.2 GB of float32 in colour. */
export const DEFAULT_MAX_PIXELS = 100_000_000;

/** Options of {@linkcode decodePng}. */
export interface DecodePngOptions {
  /** Largest width x height accepted, 100,000,000 by default. */
  maxPixels?: number;
  /** The file that the bytes came from, for error messages. */
  path?: string;
}

interface PngParts extends PngColors {
  readonly header: PngHeader;
  /** The zlib stream, as the parts that the IDAT chunks hold. */
  readonly compressed: readonly Uint8Array[];
}

/**
 * Decodes a PNG image of any valid kind: 1 to 16 bits, gray, RGB, palette, with or without transparency, interlaced or
 * not. Sample values are divided by their maximum, so the result is in [0, 1] in the file's own encoding (usually sRGB;
 * gAMA, iCCP and other colour chunks are not applied). Transparent pixels are composited over white. Of an animation the
 * default image is decoded.
 *
 * @param bytes a whole PNG file
 * @returns one channel for gray images, three for colour and palette images
 * @throws {PngError} if the bytes are not a valid PNG, or have more than `maxPixels` pixels
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodePng } from "@deepinv/distributed/io";
 *
 * // One black pixel: 8 bits, gray.
 * const bytes = Uint8Array.fromBase64(
 *   "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==",
 * );
 * const picture = decodePng(bytes);
 * assert.deepEqual(picture, { width: 1, height: 1, channels: 1, data: Float32Array.of(0) });
 * ```
 */
export function decodePng(bytes: Uint8Array, options: DecodePngOptions = {}): PlanarImage {
  const { path, maxPixels = DEFAULT_MAX_PIXELS } = options;
  const parts = collectParts(bytes, maxPixels, path);
  const { header } = parts;
  const scanlines = inflate(parts, path);
  const channels = decodedChannels(header);
  const data = new Float32Array(channels * header.width * header.height);
  const writePixels = pixelWriter(header, parts, data, path);

  const perPixel = samplesPerPixel(header);
  const bpp = bytesPerRow(header, 1);
  const samples = new Uint16Array(header.width * perPixel);
  let at = 0;
  for (const pass of imagePasses(header)) {
    const rowBytes = bytesPerRow(header, pass.width);
    let above: Uint8Array = new Uint8Array(rowBytes);
    for (let j = 0; j < pass.height; j++) {
      const type = scanlines[at];
      const row = scanlines.subarray(at + 1, at + 1 + rowBytes);
      if (!unfilterRow(type, row, above, bpp)) {
        throw new PngError(`damaged: a row has filter type ${type}`, path);
      }
      unpackSamples(row, header.bitDepth, pass.width * perPixel, samples);
      writePixels(samples, pass.width, (pass.y0 + j * pass.dy) * header.width + pass.x0, pass.dx);
      above = row;
      at += 1 + rowBytes;
    }
  }
  return { width: header.width, height: header.height, channels, data };
}

function collectParts(bytes: Uint8Array, maxPixels: number, path?: string): PngParts {
  let header: PngHeader | null = null;
  let palette: Uint8Array | null = null;
  let transparency: Uint8Array | null = null;
  const compressed: Uint8Array[] = [];
  let previous = "";
  for (const { type, data } of readChunks(bytes, path)) {
    if ((header === null) !== (type === "IHDR")) {
      throw new PngError(`damaged: a ${type} chunk ${header ? "after" : "before"} the header`, path);
    }
    const misplaced = () => new PngError(`damaged: its ${type} chunk is repeated or out of place`, path);
    if (type === "IHDR") {
      header = parseHeader(data, path);
      checkPixels(header, maxPixels, path);
    } else if (type === "PLTE") {
      if (palette || compressed.length > 0) throw misplaced();
      palette = data;
    } else if (type === "tRNS") {
      if (transparency || compressed.length > 0) throw misplaced();
      transparency = data;
    } else if (type === "IDAT") {
      if (compressed.length > 0 && previous !== "IDAT") throw misplaced();
      compressed.push(data);
    } else if (type !== "IEND" && type[0] === type[0].toUpperCase()) {
      throw new PngError(`it needs a chunk that is not known, ${type}`, path);
    }
    previous = type;
  }
  if (compressed.length === 0) throw new PngError("it holds no image data (IDAT chunk)", path);
  if (transparency && (header!.colorType === ColorType.GrayAlpha || header!.colorType === ColorType.Rgba)) {
    throw new PngError("it has a tRNS chunk besides an alpha channel", path);
  }
  return { header: header!, palette, transparency, compressed };
}

function checkPixels({ width, height }: PngHeader, maxPixels: number, path?: string): void {
  if (width * height <= maxPixels) return;
  throw new PngError(
    `it is too large: ${width} x ${height} pixels where at most ${maxPixels} are accepted; raise maxPixels, or crop it`,
    path,
  );
}

/** Inflates the image data, never into more than the header's size: a decompression bomb ends in an error. */
function inflate({ header, compressed }: PngParts, path?: string): Uint8Array {
  const expected = inflatedSize(header);
  const size = `${header.width} x ${header.height} pixels`;
  let data: Uint8Array;
  try {
    data = inflateSync(concatenate(compressed), { maxOutputLength: expected });
  } catch (cause) {
    const code = (cause as { code?: string }).code;
    const reason = code === "ERR_BUFFER_TOO_LARGE"
      ? `damaged: it holds more image data than ${size} need`
      : code === "Z_BUF_ERROR"
      ? "truncated: its compressed image data ends early"
      : `damaged: its image data cannot be decompressed (${(cause as Error).message})`;
    throw new PngError(reason, path, { cause });
  }
  if (data.length < expected) {
    throw new PngError(`truncated: it holds ${data.length} of the ${expected} bytes that ${size} need`, path);
  }
  return data;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
