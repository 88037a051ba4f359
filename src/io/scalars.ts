/** Raw scalars of the numeric types that files hold, to and from float32. */

/** A numeric type: its kind, and its size in bytes. `bf` is bfloat16, the upper half of a float32. */
export type ScalarType =
  | "f2"
  | "bf2"
  | "f4"
  | "f8"
  | "i1"
  | "i2"
  | "i4"
  | "i8"
  | "u1"
  | "u2"
  | "u4"
  | "u8"
  | "b1";

type NumberArray = { readonly length: number; [index: number]: number };
type ArrayOn = new (buffer: ArrayBuffer) => NumberArray;

const ARRAYS: Partial<Record<ScalarType, ArrayOn>> = {
  f2: Float16Array,
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
};
/** Smallest value, and the first one above the largest, of each integer type. */
const INTEGER_RANGE: Partial<Record<ScalarType, readonly [number, number]>> = {
  i1: [-(2 ** 7), 2 ** 7],
  i2: [-(2 ** 15), 2 ** 15],
  i4: [-(2 ** 31), 2 ** 31],
  i8: [-(2 ** 63), 2 ** 63],
  u1: [0, 2 ** 8],
  u2: [0, 2 ** 16],
  u4: [0, 2 ** 32],
  u8: [0, 2 ** 64],
  b1: [0, 2],
};

/** Bytes of one scalar. */
export function scalarSize(type: ScalarType): number {
  return Number(type.slice(-1));
}

/**
 * Converts raw scalars to float32, rounding where float32 cannot hold the value (float64, integers beyond 2^24).
 *
 * @param bytes a whole number of scalars, at any alignment; copied
 * @param littleEndian byte order of the scalars, true by default
 */
export function scalarsToFloat32(
  bytes: Uint8Array,
  type: ScalarType,
  littleEndian = true,
): Float32Array<ArrayBuffer> {
  const { buffer } = inOrder(bytes, scalarSize(type), littleEndian);
  switch (type) {
    case "f4":
      return new Float32Array(buffer);
    case "bf2":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer);
    case "i8":
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case "u8":
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case "b1":
      return Float32Array.from(new Uint8Array(buffer), (byte) => byte === 0 ? 0 : 1);
    default:
      return Float32Array.from(new ARRAYS[type]!(buffer));
  }
}

/**
 * Converts float32 values to raw little-endian scalars, floating-point types rounded to nearest even.
 *
 * @returns the bytes, or the index of the first value that an integer type cannot hold
 */
export function float32ToScalars(data: Float32Array, type: ScalarType): Uint8Array<ArrayBuffer> | number {
  const range = INTEGER_RANGE[type];
  if (range) {
    const unfit = data.findIndex((value) =>
      !Number.isInteger(value) || value < range[0] || value >= range[1]
    );
    if (unfit >= 0) return unfit;
  }
  const bytes = new Uint8Array(data.length * scalarSize(type));
  const { buffer } = bytes;
  if (type === "bf2") {
    const bits = new Uint32Array(Float32Array.from(data).buffer);
    new Uint16Array(buffer).set(Uint16Array.from(bits, bfloat16Bits));
  } else if (type === "i8") {
    new BigInt64Array(buffer).set(BigInt64Array.from(data, BigInt));
  } else if (type === "u8") {
    new BigUint64Array(buffer).set(BigUint64Array.from(data, BigInt));
  } else {
    const target = type === "b1" ? bytes : new ARRAYS[type]!(buffer);
    for (let i = 0; i < data.length; i++) target[i] = data[i];
  }
  return bytes;
}

/** The upper 16 bits of a float32, rounded to nearest even; a NaN stays a NaN. */
function bfloat16Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** A copy of `bytes` in this machine's order; every platform that Deno runs on is little-endian. */
function inOrder(bytes: Uint8Array, size: number, littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  if (littleEndian || size === 1) return copy;
  for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse();
  return copy;
}
