/**
 * From the samples of a PNG to numbers in [0, 1]: sample / (2^depth - 1), palette looked up, transparency composited
 * over white: alpha * color + (1 - alpha).
 */
import { PngError } from "./png_error.ts";
import { ColorType, type PngHeader } from "./png_header.ts";

/** The chunks besides IHDR that say what samples mean. */
export interface PngColors {
  /** PLTE: red, green, blue of each entry. */
  readonly palette: Uint8Array | null;
  /** tRNS: alpha of the first palette entries, or the one transparent gray or color (u16 each). */
  readonly transparency: Uint8Array | null;
}

/** Writes `count` pixels, given as `samples`, into the planes of `data` at `start`, `start + step`, ... */
export type PixelWriter = (samples: Uint16Array, count: number, start: number, step: number) => void;

/** The channels of the decoded picture: 1 for gray with or without alpha, else 3. */
export function decodedChannels(header: PngHeader): 1 | 3 {
  return header.colorType === ColorType.Gray || header.colorType === ColorType.GrayAlpha ? 1 : 3;
}

/** Unpacks `count` big-endian samples of `depth` bits, most significant bits first, from `row`. */
export function unpackSamples(row: Uint8Array, depth: number, count: number, out: Uint16Array): void {
  if (depth === 8) {
    out.set(row.subarray(0, count));
  } else if (depth === 16) {
    for (let i = 0; i < count; i++) out[i] = (row[2 * i] << 8) | row[2 * i + 1];
  } else {
    const perByte = 8 / depth;
    const mask = (1 << depth) - 1;
    for (let i = 0; i < count; i++) {
      out[i] = (row[Math.floor(i / perByte)] >> (8 - depth * (1 + i % perByte))) & mask;
    }
  }
}

/**
 * The writer for a header's kind of pixel.
 *
 * @param data `decodedChannels(header)` planes of width x height
 * @throws {PngError} for a missing or malformed palette or transparency; the writer throws it for an index outside the
 * palette
 */
export function pixelWriter(
  header: PngHeader,
  colors: PngColors,
  data: Float32Array,
  path?: string,
): PixelWriter {
  const plane = header.width * header.height;
  const scale = unitScale(header.bitDepth);
  if (header.colorType === ColorType.Palette) return paletteWriter(header, colors, data, path);
  const channels = decodedChannels(header);
  if (header.colorType === ColorType.GrayAlpha || header.colorType === ColorType.Rgba) {
    return (samples, count, start, step) => {
      for (let i = 0, s = 0, at = start; i < count; i++, s += channels + 1, at += step) {
        const alpha = scale[samples[s + channels]];
        for (let c = 0; c < channels; c++) data[at + c * plane] = alpha * scale[samples[s + c]] + (1 - alpha);
      }
    };
  }
  const key = transparentKey(header, channels, colors.transparency, path);
  return (samples, count, start, step) => {
    for (let i = 0, s = 0, at = start; i < count; i++, s += channels, at += step) {
      const clear = key !== null && key.every((value, c) => samples[s + c] === value);
      for (let c = 0; c < channels; c++) data[at + c * plane] = clear ? 1 : scale[samples[s + c]];
    }
  };
}

function unitScale(depth: number): Float32Array {
  const max = 2 ** depth - 1;
  return Float32Array.from({ length: max + 1 }, (_, value) => value / max);
}

function transparentKey(
  header: PngHeader,
  channels: number,
  data: Uint8Array | null,
  path?: string,
): number[] | null {
  if (data === null) return null;
  if (data.length !== 2 * channels) {
    throw new PngError(`its tRNS chunk has ${data.length} bytes instead of ${2 * channels}`, path);
  }
  const mask = 2 ** header.bitDepth - 1;
  return Array.from({ length: channels }, (_, c) => ((data[2 * c] << 8) | data[2 * c + 1]) & mask);
}

function paletteWriter(header: PngHeader, colors: PngColors, data: Float32Array, path?: string): PixelWriter {
  const { palette, transparency } = colors;
  if (palette === null) throw new PngError("its palette (PLTE chunk) is missing", path);
  const entries = palette.length / 3;
  if (!Number.isInteger(entries) || entries < 1 || entries > 2 ** header.bitDepth) {
    throw new PngError(`its palette has ${palette.length} bytes, for ${header.bitDepth} bits a pixel`, path);
  }
  if (transparency !== null && transparency.length > entries) {
    throw new PngError(`its tRNS chunk has ${transparency.length} entries for a palette of ${entries}`, path);
  }
  const lookup = Float32Array.from(palette, (value, i) => {
    const alpha = (transparency?.[Math.floor(i / 3)] ?? 255) / 255;
    return alpha * (value / 255) + (1 - alpha);
  });
  const plane = header.width * header.height;
  return (samples, count, start, step) => {
    for (let i = 0, at = start; i < count; i++, at += step) {
      const index = samples[i];
      if (index >= entries) throw new PngError(`a pixel has color ${index} of a palette of ${entries}`, path);
      for (let c = 0; c < 3; c++) data[at + c * plane] = lookup[3 * index + c];
    }
  };
}
