/**
 * Element-wise reduction of several arrays in one WebAssembly memory, 16 bytes at a time, each result in one pass:
 *
 *     out[i] = first[i] op rest_0[i] op rest_1[i] op ...
 *
 * from the left, so that the order of operands is the same wherever and whenever it runs. Float minimum and maximum keep
 * NaN, and -0 < 0, as in IEEE 754-2019; integers wrap.
 */

import {
  add,
  and,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  indices,
  type Local,
  multiply,
  repeatMaybe,
  unsigned,
} from "../../util/wasm_emitter.ts";
import type { Dtype, DtypeName, TypedArray } from "../dtypes.ts";
import { reduceInto, type ReduceOp } from "../reduce_ops.ts";
import { halfExtremum, halfReduction } from "./half_kernels.ts";

type Combiner = Exclude<ReduceOp, "avg">;

const FLOAT32 = { sum: 0xe4, prod: 0xe6, min: 0xe8, max: 0xe9 };
/** SIMD instructions; what is missing is done in JavaScript. Halves are combined as float32. */
const OPCODES: Partial<Record<DtypeName, Partial<Record<Combiner, number>>>> = {
  float16: FLOAT32,
  float32: FLOAT32,
  float64: { sum: 0xf0, prod: 0xf2, min: 0xf4, max: 0xf5 },
  int8: { sum: 0x6e, min: 0x76, max: 0x78 },
  uint8: { sum: 0x6e, min: 0x77, max: 0x79 },
  int16: { sum: 0x8e, prod: 0x95, min: 0x96, max: 0x98 },
  uint16: { sum: 0x8e, prod: 0x95, min: 0x97, max: 0x99 },
  int32: { sum: 0xae, prod: 0xb5, min: 0xb6, max: 0xb8 },
  uint32: { sum: 0xae, prod: 0xb5, min: 0xb7, max: 0xb9 },
  bigint64: { sum: 0xce, prod: 0xd5 },
  biguint64: { sum: 0xce, prod: 0xd5 },
};
/** Arrays beside the first that one pass takes. */
const MOST_REST = 7;
/** Vectors of 16 bytes per turn of the main loop. */
const UNROLL = 4;

const simd = (opcode: number, ...operands: Code[]): Code => [operands, 0xfd, unsigned(opcode)];
const load = (address: Local, offset: number): Code => [simd(0x00, address.get), 0, unsigned(offset)];
const store = (address: Local, value: Code, offset: number): Code => [
  simd(0x0b, address.get, value),
  0,
  unsigned(offset),
];

/** The module of `reduce(out, first, rest, stride, vectors)` for `count` arrays beside the first. */
function reduction(opcode: number, count: number): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("reduce", 5);
  const [out, first, rest, stride, vectors] = f.parameters;
  const counter = f.i32();
  const others = f.i32s(count);
  const pass = (length: number): Code => [
    indices(length).map((k) => {
      const combined = others.reduce(
        (sum, other) => simd(opcode, sum, load(other, 16 * k)),
        load(first, 16 * k),
      );
      return store(out, combined, 16 * k);
    }),
    [out, first, ...others].map((address) => address.increase(i32(16 * length))),
  ];
  f.emit(
    others.map((other, j) => other.set(add(rest.get, multiply(stride.get, i32(j))))),
    repeatMaybe(counter, divide(vectors.get, i32(UNROLL)), pass(UNROLL)),
    repeatMaybe(counter, and(vectors.get, i32(UNROLL - 1)), pass(1)),
  );
  return assemble([f], { shared: false, minimumPages: 1 });
}

type Reduce = (out: number, first: number, rest: number, stride: number, vectors: number) => void;

const MODULES = new Map<string, WebAssembly.Module>();

/** The kernels of one memory. */
export class ReduceKernels {
  readonly #memory: WebAssembly.Memory;
  readonly #compiled = new Map<string, Reduce>();

  /** @param memory where all arrays lie */
  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Whether there are SIMD instructions for a reduction. */
  static covers(op: ReduceOp, dtype: Dtype): boolean {
    return OPCODES[dtype.name]?.[op === "avg" ? "sum" : op] !== undefined;
  }

  /**
   * Reduces `length` elements of `count` arrays, the first at `first` and the others `stride` bytes apart, into `out`,
   * which may be the first of them. Addresses and strides are multiples of the element size.
   */
  reduce(
    op: ReduceOp,
    dtype: Dtype,
    out: number,
    first: number,
    stride: number,
    count: number,
    length: number,
  ): void {
    const combiner = op === "avg" ? "sum" : op;
    const opcode = OPCODES[dtype.name]?.[combiner];
    const size = dtype.bytesPerElement;
    const vectors = opcode === undefined || count === 1 ? 0 : Math.floor(length * size / 16);
    for (let done = 1; vectors > 0 && done < count;) {
      const rest = Math.min(MOST_REST, count - done);
      this.#kernel(opcode!, rest, dtype.name === "float16")(
        out,
        done === 1 ? first : out,
        first + done * stride,
        stride,
        vectors,
      );
      done += rest;
    }
    const bytes = 16 * vectors;
    const left = length - bytes / size;
    if (left > 0) this.#plain(combiner, dtype, out + bytes, first + bytes, stride, count, left);
  }

  #kernel(opcode: number, count: number, isHalf: boolean): Reduce {
    const key = `${opcode}/${count}/${isHalf}`;
    let kernel = this.#compiled.get(key);
    if (kernel === undefined) {
      let module = MODULES.get(key);
      if (module === undefined) {
        const isExtremum = opcode === FLOAT32.min || opcode === FLOAT32.max;
        const bytes = !isHalf
          ? reduction(opcode, count)
          : isExtremum
          ? halfExtremum(opcode === FLOAT32.max, count)
          : halfReduction(opcode, count);
        MODULES.set(key, module = new WebAssembly.Module(bytes));
      }
      const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
      this.#compiled.set(key, kernel = exports.reduce as Reduce);
    }
    return kernel;
  }

  #plain(
    op: Combiner,
    dtype: Dtype,
    out: number,
    first: number,
    stride: number,
    count: number,
    length: number,
  ): void {
    const view = (at: number): TypedArray => dtype.view(this.#memory.buffer, at, length);
    const into = view(out);
    if (out !== first) into.set(view(first) as never);
    for (let j = 1; j < count; j++) reduceInto(op, into, view(first + j * stride));
  }
}
