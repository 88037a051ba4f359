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
 * @throws {FileError} if the file cannot be read
 * @throws {NpyError} if it is not a .npy file of numbers
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
