/** NumPy's .npy arrays: `loadNpy` and `saveNpy`, around the pure `decodeNpy` and `encodeNpy`. */
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { locationName, readBytes, writeBytes } from "./files.ts";
import { elementCount, type FloatArray } from "./float_array.ts";
import { formatNpyHeader, NpyError, parseNpyHeader } from "./npy_header.ts";
import { scalarSize, scalarsToFloat32 } from "./scalars.ts";
import { gatherStrided } from "./strided.ts";

/**
 * Decodes a .npy file (versions 1.0 to 3.0; either byte order; C or Fortran order) of float16/32/64, signed or unsigned
 * integers of 8 to 64 bits, or booleans. Values become float32: float64 is rounded, integers beyond 2^24 too. Complex
 * arrays gain a last axis of 2: real, imaginary.
 *
 * @param bytes a whole file
 * @param path where they came from, for messages
 * @returns shape and values in C order
 * @throws {NpyError} if the bytes are not a whole .npy file, or hold objects, text, records or dates
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeNpy } from "@deepinv/distributed/io";
 *
 * // np.asfortranarray([[1, 2], [3, 4]], dtype="<i2") as np.save writes it
 * const header = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2), }".padEnd(117) + "\n";
 * const bytes = Uint8Array.of(
 *   ...[0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, 118, 0],
 *   ...new TextEncoder().encode(header),
 *   ...[1, 0, 3, 0, 2, 0, 4, 0],
 * );
 * const { shape, data } = decodeNpy(bytes);
 * assert.deepEqual([shape, data], [[2, 2], Float32Array.of(1, 2, 3, 4)]); // float32, in C order
 * ```
 */
export function decodeNpy(bytes: Uint8Array, path?: string): FloatArray {
  const header = parseNpyHeader(bytes, path);
  const perElement = header.complex ? 2 : 1;
  const count = elementCount(header.shape);
  const needed = count * perElement * scalarSize(header.scalar);
  const body = bytes.subarray(header.dataOffset);
  if (count < 0 || body.length !== needed) {
    const fault = count < 0 || body.length < needed ? "truncated: " : "";
    throw new NpyError(`${fault}${body.length} bytes follow its header, its shape needs ${needed}`, path);
  }
  const values = scalarsToFloat32(body, header.scalar, header.littleEndian);
  return {
    shape: header.complex ? [...header.shape, 2] : header.shape,
    data: header.fortranOrder ? fortranToC(values, header.shape, perElement) : values,
  };
}

/**
 * Encodes an array as a .npy file (version 1.0, little-endian float32, C order).
 *
 * @throws {InvalidArgumentError} if the shape does not fit the values
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeNpy, encodeNpy } from "@deepinv/distributed/io";
 *
 * const array = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
 * const bytes = encodeNpy(array);
 * assert.equal(bytes.length, 128 + 24); // header and float32 values
 * assert.deepEqual(decodeNpy(bytes), array);
 * assert.throws(() => encodeNpy({ shape: [2, 2], data: array.data }), { name: "InvalidArgumentError" });
 * ```
 */
export function encodeNpy({ shape, data }: FloatArray): Uint8Array<ArrayBuffer> {
  if (elementCount(shape) !== data.length) {
    const requirement = `as many as shape ${formatShape(shape)} holds`;
    throw new InvalidArgumentError("encode npy", "data", requirement, `${data.length} values`);
  }
  const header = formatNpyHeader(shape);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return file;
}

/**
 * Loads a .npy file; see {@linkcode decodeNpy}.
 *
 * @param location a path or URL
 * @returns shape and values in C order, as float32
 * @throws {FileError} if the file cannot be read
 * @throws {NpyError} if it is not a .npy file of numbers
 *
 * @example A NumPy array as a tensor
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodeNpy, loadNpy } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await Deno.writeFile(path, encodeNpy({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }));
 * const { shape, data } = await loadNpy(path);
 * const kernel = Tensor.from(data, [1, 1, ...shape]);
 * assert.deepEqual(kernel.shape, [1, 1, 2, 2]);
 * assert.equal(await kernel.sum().item(), 10);
 * await Deno.remove(path);
 * ```
 */
export async function loadNpy(location: string | URL): Promise<FloatArray> {
  return decodeNpy(await readBytes(location), locationName(location));
}

/**
 * Saves an array as a .npy file; see {@linkcode encodeNpy}.
 *
 * @param path a path or `file:` URL, replaced if it exists
 * @throws {InvalidArgumentError} if the shape does not fit the values
 * @throws {FileError} if the file cannot be written
 *
 * @example A tensor for NumPy
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadNpy, saveNpy } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.arange(0, 6).reshape([2, 3]);
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await saveNpy(path, { shape: x.shape, data: await x.data() }); // np.load(path).shape == (2, 3)
 * assert.deepEqual(await loadNpy(path), { shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) });
 * await Deno.remove(path);
 * ```
 */
export async function saveNpy(path: string | URL, array: FloatArray): Promise<void> {
  await writeBytes(path, encodeNpy(array));
}

/** Reorders elements (of `perElement` values each) from first axis fastest to last axis fastest. */
function fortranToC(values: Float32Array, shape: readonly number[], perElement: number): Float32Array {
  const strides = shape.map((_, axis) =>
    shape.slice(0, axis).reduce((product, extent) => product * extent, 1)
  );
  return gatherStrided(values, shape, strides, perElement);
}
