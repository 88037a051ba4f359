/**
 * The IHDR chunk of a PNG file, and what follows from it: samples per pixel, bytes per row, the seven Adam7 passes, and
 * the exact size of the image data once inflated. https://www.w3.org/TR/png-3/#11IHDR
 */
import { PngError } from "./png_error.ts";

/** The five kinds of PNG pixel, numbered as in the file. */
export const ColorType = { Gray: 0, Rgb: 2, Palette: 3, GrayAlpha: 4, Rgba: 6 } as const;

/** The fields of IHDR, validated. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  readonly bitDepth: number;
  /** One of `ColorType`. */
  readonly colorType: number;
  /** Whether the rows come in Adam7 order. */
  readonly interlaced: boolean;
}

/** A sub-image: pixels at columns `x0 + i * dx` and rows `y0 + j * dy`, stored as `width` x `height` of their own. */
export interface PngPass {
  readonly x0: number;
  readonly y0: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
}

const SAMPLES_PER_PIXEL = new Map<number, number>([[0, 1], [2, 3], [3, 1], [4, 2], [6, 4]]);
const BIT_DEPTHS = new Map<number, readonly number[]>([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
]);
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [
  0,
  1,
  1,
  2,
]];

/**
 * Parses the 13 bytes of an IHDR chunk.
 *
 * @throws {PngError} if a field has a value that the format does not allow
 */
export function parseHeader(data: Uint8Array, path?: string): PngHeader {
  if (data.length !== 13) {
    throw new PngError(`damaged: its header has ${data.length} bytes instead of 13`, path);
  }
  const view = new DataView(data.buffer, data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [bitDepth, colorType, compression, filter, interlace] = data.subarray(8);
  const invalid = (what: string) => new PngError(`its header is invalid: ${what}`, path);
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    throw invalid(`a size of ${width} x ${height} pixels`);
  }
  if (!BIT_DEPTHS.has(colorType)) throw invalid(`color type ${colorType}`);
  if (!BIT_DEPTHS.get(colorType)!.includes(bitDepth)) {
    throw invalid(`bit depth ${bitDepth} with color type ${colorType}`);
  }
  if (compression !== 0) throw invalid(`compression method ${compression}`);
  if (filter !== 0) throw invalid(`filter method ${filter}`);
  if (interlace > 1) throw invalid(`interlace method ${interlace}`);
  return { width, height, bitDepth, colorType, interlaced: interlace === 1 };
}

/** Samples of one pixel, alpha included; a palette index is one sample. */
export function samplesPerPixel(header: PngHeader): number {
  return SAMPLES_PER_PIXEL.get(header.colorType)!;
}

/** Bytes of a row of `width` pixels, without its filter byte; each row starts on a byte. */
export function bytesPerRow(header: PngHeader, width: number): number {
  return Math.ceil(width * samplesPerPixel(header) * header.bitDepth / 8);
}

/** The sub-images that the image data holds, in order, without empty ones: one, or up to seven with Adam7. */
export function imagePasses(header: PngHeader): PngPass[] {
  const grids = header.interlaced ? ADAM7 : [[0, 0, 1, 1]];
  return grids.map(([x0, y0, dx, dy]) => ({
    x0,
    y0,
    dx,
    dy,
    width: Math.ceil((header.width - x0) / dx),
    height: Math.ceil((header.height - y0) / dy),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Bytes of the whole image data after inflation: every row of every pass with its filter byte. */
export function inflatedSize(header: PngHeader): number {
  return imagePasses(header).reduce(
    (sum, pass) => sum + pass.height * (1 + bytesPerRow(header, pass.width)),
    0,
  );
}
