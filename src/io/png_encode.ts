/** Encodes a gray or RGB picture as PNG: samples rounded to 8 or 16 bits, rows filtered adaptively, deflated. */
import { deflateSync } from "node:zlib";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import type { PlanarImage } from "./planar_image.ts";
import { writeChunks } from "./png_chunks.ts";
import { filterRowAdaptively } from "./png_filters.ts";
import { ColorType } from "./png_header.ts";

/** Options of {@linkcode encodePng}. */
export interface EncodePngOptions {
  /** Bits per sample: 8 (default) or 16. */
  bitDepth?: 8 | 16;
}

/**
 * Encodes a picture as a PNG file. Values are clamped to [0, 1] and rounded to the nearest of 2^bitDepth levels.
 *
 * @param image gray (one channel) or RGB (three), planar
 * @returns the bytes of the file
 * @throws {InvalidArgumentError} if the size does not fit the data, or a value is NaN
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodePng, encodePng } from "@deepinv/distributed/io";
 *
 * const data = Float32Array.of(-0.5, 0, 0.5, 2); // clamped to [0, 1]
 * const bytes = encodePng({ width: 4, height: 1, channels: 1, data });
 * assert.deepEqual([...bytes.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
 * assert.deepEqual(decodePng(bytes).data, Float32Array.of(0, 0, 128 / 255, 1)); // one of 256 levels
 * ```
 */
export function encodePng(image: PlanarImage, options: EncodePngOptions = {}): Uint8Array<ArrayBuffer> {
  const { bitDepth = 8 } = options;
  check(image, bitDepth);
  const { width, height, channels } = image;
  const bpp = channels * bitDepth / 8;
  const rowBytes = width * bpp;
  const scanlines = new Uint8Array(height * (1 + rowBytes));
  let above = new Uint8Array(rowBytes);
  let row = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    quantiseRow(image, y, bitDepth, row);
    filterRowAdaptively(row, above, bpp, scanlines.subarray(y * (1 + rowBytes), (y + 1) * (1 + rowBytes)));
    [above, row] = [row, above];
  }
  return writeChunks([
    { type: "IHDR", data: headerBytes(image, bitDepth) },
    { type: "IDAT", data: deflateSync(scanlines) },
    { type: "IEND", data: new Uint8Array(0) },
  ]);
}

function headerBytes({ width, height, channels }: PlanarImage, bitDepth: number): Uint8Array {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data[8] = bitDepth;
  data[9] = channels === 1 ? ColorType.Gray : ColorType.Rgb;
  return data;
}

function quantiseRow(image: PlanarImage, y: number, bitDepth: 8 | 16, row: Uint8Array): void {
  const { width, height, channels, data } = image;
  const max = 2 ** bitDepth - 1;
  for (let c = 0; c < channels; c++) {
    for (let x = 0; x < width; x++) {
      const value = data[(c * height + y) * width + x];
      if (Number.isNaN(value)) {
        throw invalid("image", "free of NaN", `NaN at channel ${c}, row ${y}, column ${x}`);
      }
      const level = Math.round(Math.min(Math.max(value, 0), 1) * max);
      const at = x * channels + c;
      if (bitDepth === 8) {
        row[at] = level;
      } else {
        row[2 * at] = level >> 8;
        row[2 * at + 1] = level & 255;
      }
    }
  }
}

function check({ width, height, channels, data }: PlanarImage, bitDepth: number): void {
  for (const [name, value] of [["width", width], ["height", height]] as const) {
    if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) {
      throw invalid(name, "an integer from 1 to 2^31 - 1", String(value));
    }
  }
  if (channels !== 1 && channels !== 3) throw invalid("channels", "1 or 3", String(channels));
  if (bitDepth !== 8 && bitDepth !== 16) throw invalid("bitDepth", "8 or 16", String(bitDepth));
  if (data.length !== channels * width * height) {
    throw invalid("data", `of shape ${formatShape([channels, height, width])}`, `${data.length} values`);
  }
}

function invalid(argument: string, requirement: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError("encode PNG", argument, requirement, got);
}
