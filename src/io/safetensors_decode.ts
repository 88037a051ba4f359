/**
 * Reads safetensors: header length N (u64, little endian), N bytes of JSON
 * `{ name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__": {...} }`, then the tensors' bytes without gaps.
 * https://github.com/huggingface/safetensors#format
 */
import { describeFormat } from "./file_signature.ts";
import { elementCount, type FloatArray } from "./float_array.ts";
import { FormatError } from "./format_error.ts";
import { scalarSize, scalarsToFloat32, type ScalarType } from "./scalars.ts";

/** Element types of safetensors that are read and written. */
export type SafetensorsDtype =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/** One tensor of a safetensors file, its values converted to float32. */
export interface SafetensorsEntry extends FloatArray {
  /** The element type in the file. */
  readonly dtype: SafetensorsDtype;
}

/**
 * Bytes that are not a valid safetensors file.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensors, encodeSafetensors, SafetensorsError } from "@deepinv/distributed/io";
 *
 * const bytes = encodeSafetensors(new Map([["x", { shape: [3], data: Float32Array.of(1, 2, 3) }]]));
 * assert.throws(
 *   () => decodeSafetensors(bytes.subarray(0, -4), "model.safetensors"), // half a download
 *   (error) => error instanceof SafetensorsError && error.path === "model.safetensors",
 * );
 * ```
 */
export class SafetensorsError extends FormatError {
  /** `"SafetensorsError"`. */
  override readonly name = "SafetensorsError";

  /**
   * Says that the bytes are not what the format demands.
   *
   * @param reason what is wrong
   * @param path the file, where known
   */
  constructor(reason: string, path?: string, options?: ErrorOptions) {
    super("decode safetensors", reason, path, options);
  }
}

/** The scalar type of each dtype. */
export const SAFETENSORS_SCALARS: ReadonlyMap<string, ScalarType> = new Map<SafetensorsDtype, ScalarType>([
  ["F64", "f8"],
  ["F32", "f4"],
  ["F16", "f2"],
  ["BF16", "bf2"],
  ["I64", "i8"],
  ["I32", "i4"],
  ["I16", "i2"],
  ["I8", "i1"],
  ["U64", "u8"],
  ["U32", "u4"],
  ["U16", "u2"],
  ["U8", "u1"],
  ["BOOL", "b1"],
]);

/** The format's own limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;

interface Located extends Pick<SafetensorsEntry, "dtype" | "shape"> {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/**
 * Decodes a safetensors file. Values become float32: float64 is rounded, integers beyond 2^24 too; booleans are 0 or 1.
 *
 * @param bytes a whole file
 * @param path where they came from, for messages
 * @returns the tensors by name, in the order of their bytes
 * @throws {SafetensorsError} if the file is truncated, its header is malformed, tensors overlap or leave gaps, a
 * tensor's bytes do not match its shape, or its dtype is not one of `SafetensorsDtype`
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensors } from "@deepinv/distributed/io";
 *
 * const header = '{"bias":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}';
 * const bytes = Uint8Array.of(
 *   ...[header.length, 0, 0, 0, 0, 0, 0, 0],
 *   ...new TextEncoder().encode(header),
 *   ...[1, 0, 0xff, 0xff],
 * );
 * const bias = decodeSafetensors(bytes).get("bias")!;
 * assert.deepEqual(bias, { dtype: "I16", shape: [2], data: Float32Array.of(1, -1) });
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, path?: string): Map<string, SafetensorsEntry> {
  const { header, body } = splitFile(bytes, path);
  const located = Object.entries(header).filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => locate(name, entry, path));
  const ordered = located.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(ordered, body.length, path);
  return new Map(ordered.map(({ name, dtype, shape, begin, end }) => {
    const data = scalarsToFloat32(body.subarray(begin, end), SAFETENSORS_SCALARS.get(dtype)!);
    return [name, { dtype, shape, data }];
  }));
}

/**
 * The free-form `__metadata__` of a safetensors file; empty if it has none.
 *
 * @throws {SafetensorsError} if the header or the metadata is malformed
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensorsMetadata, encodeSafetensors } from "@deepinv/distributed/io";
 *
 * const tensors = new Map([["x", { shape: [1], data: Float32Array.of(1) }]]);
 * const bytes = encodeSafetensors(tensors, { license: "MIT", epochs: "20" });
 * assert.deepEqual(decodeSafetensorsMetadata(bytes), { license: "MIT", epochs: "20" });
 * assert.deepEqual(decodeSafetensorsMetadata(encodeSafetensors(tensors)), {});
 * ```
 */
export function decodeSafetensorsMetadata(bytes: Uint8Array, path?: string): Record<string, string> {
  const metadata = splitFile(bytes, path).header["__metadata__"] ?? {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw new SafetensorsError("its __metadata__ is not a map of strings", path);
  }
  return metadata as Record<string, string>;
}

function splitFile(bytes: Uint8Array, path?: string): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length < 8) {
    throw new SafetensorsError(`the file has ${bytes.length} bytes, fewer than any has`, path);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || bytes[8] !== 0x7b) {
    throw new SafetensorsError(`the file is not safetensors; it is ${describeFormat(bytes)}`, path);
  }
  const end = 8 + Number(length);
  if (end > bytes.length) {
    throw new SafetensorsError(`truncated: its header ends at byte ${end} of ${bytes.length}`, path);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, end)));
  } catch (cause) {
    throw new SafetensorsError(`its header is not valid JSON (${(cause as Error).message})`, path, { cause });
  }
  if (!isRecord(header)) throw new SafetensorsError("its header is not a JSON object", path);
  return { header, body: bytes.subarray(end) };
}

function locate(name: string, entry: unknown, path?: string): Located {
  const fail = (reason: string) => new SafetensorsError(`tensor "${name}" ${reason}`, path);
  if (!isRecord(entry)) throw fail("has no description");
  const { dtype, shape, data_offsets: offsets } = entry;
  const scalar = typeof dtype === "string" ? SAFETENSORS_SCALARS.get(dtype) : undefined;
  if (scalar === undefined) {
    throw fail(`has dtype ${JSON.stringify(dtype)}; known are ${[...SAFETENSORS_SCALARS.keys()].join(", ")}`);
  }
  if (!isIndexList(shape)) throw fail(`has shape ${JSON.stringify(shape)}`);
  if (!isIndexList(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw fail(`has data_offsets ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets;
  const needed = elementCount(shape) * scalarSize(scalar);
  if (needed < 0 || end - begin !== needed) {
    throw fail(`has ${end - begin} bytes, which do not make ${dtype} of shape [${shape}]`);
  }
  return { name, dtype: dtype as SafetensorsDtype, shape, begin, end };
}

/** Demands that the tensors, ordered by where they begin, follow one another and fill the body. */
function checkCoverage(ordered: readonly Located[], size: number, path?: string): void {
  const last = ordered.reduce((latest, entry) => Math.max(latest, entry.end), 0);
  if (last > size) {
    throw new SafetensorsError(`truncated: its tensors need ${last} bytes, ${size} follow the header`, path);
  }
  let covered = 0;
  for (const { name, begin, end } of ordered) {
    if (begin !== covered) {
      const fault = begin < covered
        ? "overlaps the one before it"
        : `leaves a gap of ${begin - covered} bytes`;
      throw new SafetensorsError(`tensor "${name}" ${fault}`, path);
    }
    covered = end;
  }
  if (covered < size) {
    throw new SafetensorsError(`${size - covered} bytes at its end belong to no tensor`, path);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIndexList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
