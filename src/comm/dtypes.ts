/** The typed arrays that travel between ranks, and their codes on the wire. */

/** A typed array whose elements can be exchanged and reduced. */
export type TypedArray =
  | Float16Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Name of an element type. */
export type DtypeName =
  | "float16"
  | "float32"
  | "float64"
  | "int8"
  | "int16"
  | "int32"
  | "uint8"
  | "uint16"
  | "uint32"
  | "bigint64"
  | "biguint64";

/** The typed array of each element type. */
export interface SharedArrayTypes {
  /** IEEE 754 half precision. */
  float16: Float16Array<ArrayBuffer>;
  /** IEEE 754 single precision. */
  float32: Float32Array<ArrayBuffer>;
  /** IEEE 754 double precision. */
  float64: Float64Array<ArrayBuffer>;
  /** 8-bit integers. */
  int8: Int8Array<ArrayBuffer>;
  /** 16-bit integers. */
  int16: Int16Array<ArrayBuffer>;
  /** 32-bit integers. */
  int32: Int32Array<ArrayBuffer>;
  /** Unsigned 8-bit integers. */
  uint8: Uint8Array<ArrayBuffer>;
  /** Unsigned 16-bit integers. */
  uint16: Uint16Array<ArrayBuffer>;
  /** Unsigned 32-bit integers. */
  uint32: Uint32Array<ArrayBuffer>;
  /** 64-bit integers. */
  bigint64: BigInt64Array<ArrayBuffer>;
  /** Unsigned 64-bit integers. */
  biguint64: BigUint64Array<ArrayBuffer>;
}

/** One element type: its code on the wire, its name, and the view that reads it. */
export interface Dtype {
  /** Code on the wire, 1 or more; 0 stands for "not stated". */
  readonly code: number;
  /** Name for messages. */
  readonly name: DtypeName;
  /** Bytes of one element. */
  readonly bytesPerElement: number;
  /** A view of `length` elements at `byteOffset` of `buffer`. */
  view(buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
}

type Constructor = { new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray };

const CONSTRUCTORS: readonly [DtypeName, Constructor | undefined][] = [
  ["float32", Float32Array],
  ["float64", Float64Array],
  ["int8", Int8Array],
  ["int16", Int16Array],
  ["int32", Int32Array],
  ["uint8", Uint8Array],
  ["uint16", Uint16Array],
  ["uint32", Uint32Array],
  ["bigint64", BigInt64Array],
  ["biguint64", BigUint64Array],
  ["float16", globalThis.Float16Array],
];

const BY_CODE: (Dtype | undefined)[] = [undefined];
const BY_CONSTRUCTOR = new Map<unknown, Dtype>();
for (const [index, [name, type]] of CONSTRUCTORS.entries()) {
  if (type === undefined) continue;
  const dtype: Dtype = {
    code: index + 1,
    name,
    bytesPerElement: (type as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT,
    view: (buffer, byteOffset, length) => new type(buffer, byteOffset, length),
  };
  BY_CODE[dtype.code] = dtype;
  BY_CONSTRUCTOR.set(type, dtype);
}

/** The element type with this wire code, or `undefined`. */
export function dtypeOfCode(code: number): Dtype | undefined {
  return BY_CODE[code];
}

/** The element type with this name, or `undefined`. */
export function dtypeOfName(name: DtypeName): Dtype | undefined {
  return BY_CODE.find((dtype) => dtype?.name === name);
}

/** The element type of `array`, or `undefined` if it is no supported typed array (Buffer counts as uint8). */
export function dtypeOf(array: unknown): Dtype | undefined {
  if (!ArrayBuffer.isView(array)) return undefined;
  return BY_CONSTRUCTOR.get(array.constructor) ??
    (array instanceof Uint8Array ? BY_CONSTRUCTOR.get(Uint8Array) : undefined);
}

/** The bytes under a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
