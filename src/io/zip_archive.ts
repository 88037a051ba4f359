/**
 * Reads zip archives, with and without the 64-bit fields: the central directory at the end lists the entries; each
 * entry's bytes are stored as they are or deflated.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { crc32, inflateRawSync } from "node:zlib";

/** One file in an archive. */
export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** 0 for stored, 8 for deflated. */
  readonly method: number;
  /** Whether the bytes are encrypted. */
  readonly encrypted: boolean;
  /** The checksum of its content. */
  readonly crc: number;
  /** Bytes in the archive. */
  readonly packedSize: number;
  /** Bytes of its content. */
  readonly size: number;
  /** Where its local header starts. */
  readonly at: number;
}

/** The most that deflate can shrink: 1032 to 1. */
const LARGEST_RATIO = 1032;

const END = 0x06054b50, END_64 = 0x06064b50, LOCATOR_64 = 0x07064b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50;
const END_SIZE = 22, LOCATOR_64_SIZE = 20, END_64_SIZE = 56, ENTRY_SIZE = 46, LOCAL_SIZE = 30;

/**
 * Lists the entries by name.
 *
 * @throws {RangeError} saying what is wrong with the archive
 */
export function listZip(bytes: Uint8Array): Map<string, ZipEntry> {
  const view = viewOf(bytes);
  const { count, at: begin } = findDirectory(bytes, view);
  const entries = new Map<string, ZipEntry>();
  let at = begin;
  for (let k = 0; k < count; k++) {
    if (at + ENTRY_SIZE > bytes.length || view.getUint32(at, true) !== ENTRY) {
      throw new RangeError(`its directory ends after ${k} of ${count} entries`);
    }
    const nameSize = view.getUint16(at + 28, true), extraSize = view.getUint16(at + 30, true);
    const end = at + ENTRY_SIZE + nameSize + extraSize + view.getUint16(at + 32, true);
    if (end > bytes.length) throw new RangeError("its directory is cut off");
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + nameSize));
    if (entries.has(name)) throw new RangeError(`it has two entries "${name}"`);
    const extra = bytes.subarray(at + ENTRY_SIZE + nameSize, at + ENTRY_SIZE + nameSize + extraSize);
    const [size, packedSize, local] = wideFields(extra, [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ]);
    entries.set(name, {
      name,
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) === 1,
      crc: view.getUint32(at + 16, true),
      packedSize,
      size,
      at: local,
    });
    at = end;
  }
  return entries;
}

/**
 * The content of an entry, checked against its size and checksum.
 *
 * @throws {RangeError} saying what is wrong with it
 */
export function readZipEntry(bytes: Uint8Array<ArrayBuffer>, entry: ZipEntry): Uint8Array<ArrayBuffer> {
  const view = viewOf(bytes);
  const { name, at, packedSize, size, method } = entry;
  if (at + LOCAL_SIZE > bytes.length || view.getUint32(at, true) !== LOCAL) {
    throw new RangeError(`entry "${name}" is not where the directory says`);
  }
  const begin = at + LOCAL_SIZE + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (begin + packedSize > bytes.length) {
    throw new RangeError(`truncated: entry "${name}" ends at byte ${begin + packedSize} of ${bytes.length}`);
  }
  if (entry.encrypted) throw new RangeError(`entry "${name}" is encrypted`);
  const packed = bytes.subarray(begin, begin + packedSize);
  const content = method === 0 ? packed : method === 8 ? inflate(packed, size, name) : undefined;
  if (!content) {
    throw new RangeError(`entry "${name}" is compressed by method ${method}, not stored or deflated`);
  }
  if (content.length !== size) {
    throw new RangeError(`entry "${name}" has ${content.length} bytes, the directory says ${size}`);
  }
  if (crc32(content) !== entry.crc) throw new RangeError(`entry "${name}" is damaged: its checksum differs`);
  return content;
}

function findDirectory(bytes: Uint8Array, view: DataView): { count: number; at: number } {
  const lowest = Math.max(0, bytes.length - END_SIZE - 0xffff);
  let end = bytes.length - END_SIZE;
  while (end >= lowest && view.getUint32(end, true) !== END) end--;
  if (end < lowest) throw new RangeError("truncated: a zip archive whose directory is missing");
  const narrow = { count: view.getUint16(end + 10, true), at: view.getUint32(end + 16, true) };
  const locator = end - LOCATOR_64_SIZE;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR_64) return narrow;
  const wide = bigAt(view, locator + 8);
  if (wide + END_64_SIZE > bytes.length || view.getUint32(wide, true) !== END_64) {
    throw new RangeError("its 64-bit directory is not where it should be");
  }
  return { count: bigAt(view, wide + 32), at: bigAt(view, wide + 48) };
}

/** Fields that say 0xffffffff stand, in order, in the extra field 1 with 8 bytes each. */
function wideFields(extra: Uint8Array, fields: number[]): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const end = Math.min(extra.length, at + 4 + view.getUint16(at + 2, true));
    let next = at + 4;
    return fields.map((value) => {
      if (value !== 0xffffffff || next + 8 > end) return value;
      next += 8;
      return bigAt(view, next - 8);
    });
  }
  return fields;
}

function inflate(packed: Uint8Array<ArrayBuffer>, size: number, name: string): Uint8Array<ArrayBuffer> {
  if (size > packed.length * LARGEST_RATIO + 64) {
    throw new RangeError(`entry "${name}" cannot hold ${size} bytes in ${packed.length}`);
  }
  try {
    return new Uint8Array(inflateRawSync(packed, { maxOutputLength: Math.max(1, size) }));
  } catch (cause) {
    throw new RangeError(`entry "${name}" is damaged: ${(cause as Error).message}`, { cause });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** An unsigned 64-bit number; one that no file can reach becomes Infinity. */
function bigAt(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Infinity;
}
