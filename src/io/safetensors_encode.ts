/** Writes safetensors: the header padded with spaces to 8 bytes, wide element types first, so that every tensor is aligned. */
import { InvalidArgumentError } from "../util/errors.ts";
import { elementCount, type FloatArray } from "./float_array.ts";
import { SAFETENSORS_SCALARS, type SafetensorsDtype } from "./safetensors_decode.ts";
import { float32ToScalars, scalarSize } from "./scalars.ts";

/** One tensor to write. */
export interface SafetensorsInput extends FloatArray {
  /** The element type in the file, `"F32"` by default. */
  readonly dtype?: SafetensorsDtype;
}

/**
 * Encodes named tensors as a safetensors file.
 *
 * @param tensors values and shapes by name
 * @param metadata strings to keep with them, under `__metadata__`
 * @returns the bytes of the file; equal input gives equal bytes
 * @throws {InvalidArgumentError} if a shape does not fit its values, a dtype is unknown, or a value does not fit an
 * integer dtype
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensors, encodeSafetensors } from "@deepinv/distributed/io";
 *
 * const data = Float32Array.of(0.1, 1, 2);
 * const bytes = encodeSafetensors(
 *   new Map([
 *     ["exact", { shape: [3], data }],
 *     ["small", { shape: [3, 1], data, dtype: "BF16" as const }], // half the bytes, 8 bits of precision
 *   ]),
 * );
 * const decoded = decodeSafetensors(bytes);
 * assert.deepEqual(decoded.get("exact")!.data, data);
 * assert.ok(Math.abs(decoded.get("small")!.data[0] - 0.1) < 0.1 * 2 ** -8);
 * ```
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsInput>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const parts = [...tensors].map(([name, tensor]) => encodeTensor(name, tensor))
    .sort((a, b) => b.width - a.width);
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let size = 0;
  for (const { name, dtype, shape, bytes } of parts) {
    header.push([name, { dtype, shape, data_offsets: [size, size + bytes.length] }]);
    size += bytes.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerSize = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerSize + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerSize), true);
  file.fill(0x20, 8, 8 + headerSize).set(json, 8);
  let at = 8 + headerSize;
  for (const { bytes } of parts) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function encodeTensor(name: string, { dtype = "F32", shape, data }: SafetensorsInput) {
  const invalid = (requirement: string, got: string) =>
    new InvalidArgumentError("encode safetensors", `tensor "${name}"`, requirement, got);
  if (name === "__metadata__") throw invalid("named otherwise", "a name that the format reserves");
  const scalar = SAFETENSORS_SCALARS.get(dtype);
  if (!scalar) throw invalid(`of dtype ${[...SAFETENSORS_SCALARS.keys()].join(", ")}`, String(dtype));
  if (elementCount(shape) !== data.length) {
    throw invalid("as many values as its shape says", `shape [${shape}] with ${data.length} values`);
  }
  const bytes = float32ToScalars(data, scalar);
  if (typeof bytes === "number") throw invalid(`made of ${dtype} values`, `${data[bytes]} at index ${bytes}`);
  return { name, dtype, shape, bytes, width: scalarSize(scalar) };
}
