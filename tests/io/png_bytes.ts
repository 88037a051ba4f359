/** Builds PNG files byte by byte, valid or not, without the encoder under test. */
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** One chunk with its length and checksum. */
export function chunk(type: string, data: ArrayLike<number> = []): number[] {
  const body = [...new TextEncoder().encode(type), ...Array.from(data)];
  return [...u32(body.length - 4), ...body, ...u32(crc32(Uint8Array.from(body)))];
}

/** A file: the signature, then the chunks. */
export function pngFile(...chunks: number[][]): Uint8Array {
  return Uint8Array.from([SIGNATURE, ...chunks].flat());
}

/** IHDR. */
export function ihdr(
  width: number,
  height: number,
  bitDepth: number,
  colorType: number,
  interlace = 0,
): number[] {
  return chunk("IHDR", [...u32(width), ...u32(height), bitDepth, colorType, 0, 0, interlace]);
}

/** IDAT holding these scanlines, filter bytes included. */
export function idat(scanlines: ArrayLike<number>): number[] {
  return chunk("IDAT", deflateSync(Uint8Array.from(Array.from(scanlines))));
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
