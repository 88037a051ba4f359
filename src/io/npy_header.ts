/**
 * The header of a .npy file: magic `\x93NUMPY`, version (1.0: u16 header length; 2.0 and 3.0: u32), then a Python
 * literal `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { FormatError } from "./format_error.ts";
import { describeFormat, startsWith } from "./file_signature.ts";
import type { ScalarType } from "./scalars.ts";

/**
 * Bytes that are not a .npy file, or one that holds something other than numbers.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeNpy, encodeNpy, NpyError } from "@deepinv/distributed/io";
 *
 * const bytes = encodeNpy({ shape: [4], data: new Float32Array(4) });
 * assert.throws(
 *   () => decodeNpy(bytes.subarray(0, -4), "kernel.npy"),
 *   (error) =>
 *     error instanceof NpyError && error.path === "kernel.npy" &&
 *     error.message ===
 *       "Cannot decode npy kernel.npy: truncated: 12 bytes follow its header, its shape needs 16",
 * );
 * ```
 */
export class NpyError extends FormatError {
  /** `"NpyError"`. */
  override readonly name = "NpyError";

  /**
   * Says that the bytes are not what the format demands.
   *
   * @param reason what is wrong
   * @param path the file, where known
   */
  constructor(reason: string, path?: string, options?: ErrorOptions) {
    super("decode npy", reason, path, options);
  }
}

/** What the header says. */
export interface NpyHeader {
  readonly scalar: ScalarType;
  /** Whether an element is two scalars, real and imaginary. */
  readonly complex: boolean;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the array begins in the file. */
  readonly dataOffset: number;
}

const MAGIC = "\x93NUMPY";
const DESCR = /['"]descr['"]\s*:\s*('[^']*'|"[^"]*"|\[)/;
const FORTRAN_ORDER = /['"]fortran_order['"]\s*:\s*(True|False)\b/;
const SHAPE = /['"]shape['"]\s*:\s*\(([\d\sL,]*)\)/;
/** NumPy's own limit on the header of a file that is not trusted. */
const MAX_HEADER_BYTES = 10_000;
const SCALARS = new Set<string>(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]);
const REFUSED: Record<string, string> = {
  O: "pickled Python objects, which are never read; save it with a numeric dtype",
  V: "structured or raw records",
  S: "byte strings",
  U: "text",
  M: "dates",
  m: "time differences",
};

/**
 * Parses the header of a .npy file.
 *
 * @throws {NpyError} for another format, a truncated or malformed header, or a dtype that is not numeric
 */
export function parseNpyHeader(bytes: Uint8Array, path?: string): NpyHeader {
  if (!startsWith(bytes, MAGIC)) {
    throw new NpyError(`the file is not .npy; it is ${describeFormat(bytes)}`, path);
  }
  const major = bytes[6];
  if (bytes.length >= 8 && (major < 1 || major > 3)) {
    throw new NpyError(`its format version is ${major}.${bytes[7]}; known are 1.0, 2.0 and 3.0`, path);
  }
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw new NpyError("truncated: the file ends inside its header", path);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataOffset = start + length;
  if (length > MAX_HEADER_BYTES) throw new NpyError(`its header claims ${length} bytes`, path);
  if (bytes.length < dataOffset) throw new NpyError("truncated: the file ends inside its header", path);
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, dataOffset));
  const [descr, fortran, shape] = [DESCR, FORTRAN_ORDER, SHAPE].map((field) => field.exec(text)?.[1]);
  if (descr === undefined || fortran === undefined || shape === undefined) {
    throw new NpyError(`its header is malformed: ${text.slice(0, 120).trim()}`, path);
  }
  return {
    ...parseDescr(descr, path),
    fortranOrder: fortran === "True",
    shape: parseShape(shape, path),
    dataOffset,
  };
}

/** The bytes of a version 1.0 header for little-endian float32 in C order, padded so that the data is 64-byte aligned. */
export function formatNpyHeader(shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const literal = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  const total = Math.ceil((10 + literal.length + 1) / 64) * 64;
  const text = `${MAGIC}\x01\x00\0\0${literal.padEnd(total - 11)}\n`;
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  new DataView(bytes.buffer).setUint16(8, total - 10, true);
  return bytes;
}

function parseDescr(literal: string, path?: string): Pick<NpyHeader, "scalar" | "complex" | "littleEndian"> {
  if (literal.startsWith("[")) {
    throw new NpyError("it holds structured records, not numbers; save each field by itself", path);
  }
  const [, order, type] = /^([<>|=]?)(.*)$/.exec(literal.slice(1, -1))!;
  const refused = REFUSED[type[0]];
  if (refused) throw new NpyError(`it holds ${refused}, not numbers (dtype ${literal})`, path);
  const complex = type === "c8" || type === "c16";
  const scalar = complex ? `f${Number(type.slice(1)) / 2}` : type;
  if (!SCALARS.has(scalar)) {
    throw new NpyError(`its dtype ${literal} is not supported; save it as float32`, path);
  }
  return { scalar: scalar as ScalarType, complex, littleEndian: order !== ">" };
}

function parseShape(text: string, path?: string): number[] {
  const extents = text.replaceAll("L", "").split(",").map((part) => part.trim());
  if (extents.at(-1) === "") extents.pop();
  if (extents.some((extent) => !/^\d+$/.test(extent))) {
    throw new NpyError(`its shape is malformed: (${text})`, path);
  }
  return extents.map(Number);
}
