import assert from "node:assert/strict";
import { bytesOf, type Dtype, type DtypeName, dtypeOfName, type TypedArray } from "../../src/comm/dtypes.ts";
import { combineStrided, reduceInto, type ReduceOp } from "../../src/comm/reduce_ops.ts";
import { ReduceKernels } from "../../src/comm/shm/reduce_kernels.ts";

const NAMES: DtypeName[] = [
  ...["float16", "float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32"] as const,
  ...["bigint64", "biguint64"] as const,
];
const OPS: ReduceOp[] = ["sum", "avg", "min", "max", "prod"];
const SPECIAL = [NaN, Infinity, -Infinity, -0, 0, 1e-40];

/** Values of a type, special ones among them. */
function sample(dtype: Dtype, length: number, seed: number): TypedArray {
  const array = dtype.view(new ArrayBuffer(length * dtype.bytesPerElement));
  for (let i = 0; i < length; i++) {
    const value = Math.sin(i * 12.9898 + seed * 78.233) * 300;
    const isBig = dtype.name.startsWith("big");
    const isFloat = dtype.name.startsWith("float");
    const float = (i + seed) % 11 === 0 ? SPECIAL[(i + 3 * seed) % SPECIAL.length] : value;
    array[i] =
      (isBig ? BigInt(Math.trunc(value * 1e15)) : isFloat ? float : Math.trunc(value * 1e7)) as never;
  }
  return array;
}

/** Bits, with all NaN alike. */
function canonical(array: TypedArray): string {
  return [...array].map((x) => Object.is(x, -0) ? "-0" : String(x)).join();
}

Deno.test("kernels in WebAssembly agree with plain loops: every type, operator, number of arrays and length", () => {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 });
  const kernels = new ReduceKernels(memory);
  const all = new Uint8Array(memory.buffer as ArrayBuffer);
  for (const dtype of NAMES.map((name) => dtypeOfName(name)!)) {
    for (const op of OPS) {
      for (const count of [1, 2, 3, 8, 9, 17]) {
        for (const length of [0, 1, 5, 64, 131]) {
          const size = dtype.bytesPerElement;
          const stride = (length + 3) * size;
          const first = 65536 + size;
          const arrays = Array.from({ length: count }, (_, j) => sample(dtype, length, j));
          const place = () => arrays.forEach((array, j) => all.set(bytesOf(array), first + j * stride));
          const expected = arrays[0].slice();
          for (const array of arrays.slice(1)) reduceInto(op, expected, array);
          const label = `${op} of ${count} x ${length} ${dtype.name}`;
          for (const out of [0, first]) {
            all.fill(0xa5);
            place();
            kernels.reduce(op, dtype, out, first, stride, count, length);
            assert.equal(canonical(dtype.view(memory.buffer, out, length)), canonical(expected), label);
            assert.equal(all[out + length * size], 0xa5, `${label}: wrote past the end`);
          }
          place();
          const into = expected.slice();
          combineStrided(op, into, dtype.view(memory.buffer), first / size, stride / size, count);
          assert.equal(canonical(into), canonical(expected), `${label}, strided`);
        }
      }
    }
  }
});

Deno.test("float16: all 65,536 values with random, special and equal ones give the bits of a plain loop", () => {
  const memory = new WebAssembly.Memory({ initial: 12, maximum: 12 });
  const kernels = new ReduceKernels(memory);
  const dtype = dtypeOfName("float16")!;
  const count = 65_536;
  const stride = 2 * count;
  const all = new Uint16Array(memory.buffer);
  const part = (at: number) => new Float16Array(memory.buffer, at * stride, count);
  const values = all.subarray(count, 2 * count).map((_, i) => i);
  let state = 1;
  const random = () => (state = Math.imul(state, 1664525) + 1013904223 | 0) >>> 16;
  const corners = [
    ...[0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x3bff, 0x3c00, 0x3c01, 0x7bff, 0xfbff, 0x7c00],
    ...[0xfc00, 0x7c01, 0x7e00, 0xffff, 0x1400, 0x9400, 0x4bff, 0x77ff],
  ];
  /** Second operands: by turns one corner case for all, all in another order, and random ones. */
  const others = [
    ...corners.map((corner) => values.map(() => corner)),
    ...[1, 0x8000, 40503].map((factor) => values.map((_, i) => Math.imul(i, factor) ^ factor)),
    ...Array.from({ length: 12 }, () => values.map(random)),
  ];
  for (const op of ["sum", "prod", "min", "max"] as const) {
    for (const [k, other] of others.entries()) {
      all.set(values, count);
      all.set(other, 2 * count);
      all.set(others[(k + 7) % others.length], 3 * count);
      for (const operands of [2, 3]) {
        const expected = part(1).slice();
        for (let j = 1; j < operands; j++) reduceInto(op, expected, part(1 + j));
        kernels.reduce(op, dtype, 0, stride, stride, operands, count);
        const got = part(0);
        for (let i = 0; i < count; i++) {
          if (!Object.is(got[i], expected[i])) {
            assert.fail(`${op} of ${operands}: ${part(1)[i]}, ${part(2)[i]}: ${got[i]}, not ${expected[i]}`);
          }
        }
      }
    }
  }
});
