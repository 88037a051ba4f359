/**
 * The container of a PNG file: a signature, then chunks of (length u32, type, data, CRC-32 of type and data), big endian.
 * https://www.w3.org/TR/png-3/#5DataRep
 */
import { crc32 } from "node:zlib";
import { describeFormat, startsWith } from "./file_signature.ts";
import { PngError } from "./png_error.ts";

const SIGNATURE = "\x89PNG\r\n\x1a\n";

/** One chunk; `data` is a view into the file. */
export interface PngChunk {
  /** Four letters, for example `"IDAT"`. A capital first letter means that a decoder must understand it. */
  readonly type: string;
  readonly data: Uint8Array;
}

/**
 * Yields the chunks of a PNG file up to and with IEND; what follows IEND is not looked at.
 *
 * @param path the file, for messages
 * @throws {PngError} for another format, a truncated file, a damaged chunk
 */
export function* readChunks(file: Uint8Array, path?: string): Generator<PngChunk> {
  if (!startsWith(file, SIGNATURE)) throw new PngError(notPng(file), path);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = SIGNATURE.length; at + 12 <= file.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw new PngError(`damaged: no chunk begins at byte ${at}`, path);
    const end = at + 8 + length;
    if (end + 4 > file.length) {
      throw new PngError(`truncated: the file ends inside its ${type} chunk, at byte ${file.length}`, path);
    }
    if (crc32(file.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw new PngError(`damaged: the checksum of the ${type} chunk at byte ${at} is wrong`, path);
    }
    yield { type, data: file.subarray(at + 8, end) };
    if (type === "IEND") return;
    at = end + 4;
  }
  throw new PngError("truncated: the file ends before its IEND chunk", path);
}

/** The bytes of a PNG file made of `chunks`. */
export function writeChunks(chunks: readonly PngChunk[]): Uint8Array<ArrayBuffer> {
  const size = chunks.reduce((sum, chunk) => sum + 12 + chunk.data.length, SIGNATURE.length);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  let at = writeLatin1(file, 0, SIGNATURE);
  for (const { type, data } of chunks) {
    view.setUint32(at, data.length);
    file.set(data, writeLatin1(file, at + 4, type));
    const end = at + 8 + data.length;
    view.setUint32(end, crc32(file.subarray(at + 4, end)));
    at = end + 4;
  }
  return file;
}

function writeLatin1(file: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) file[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function notPng(file: Uint8Array): string {
  if (file.length === 0) return "the file is empty";
  if (file.length < SIGNATURE.length && startsWith(file, SIGNATURE.slice(0, file.length))) {
    return "truncated: the file ends inside its signature";
  }
  if (startsWith(file, "\x89PNG") || startsWith(file, "\x09PNG")) {
    return "its signature is damaged, as after a transfer in text mode; transfer it again as binary";
  }
  const format = describeFormat(file);
  const hint = /image|drawing|icon/.test(format) ? "; convert it to PNG first" : "; a PNG image is needed";
  return `the file is ${format}${hint}`;
}
