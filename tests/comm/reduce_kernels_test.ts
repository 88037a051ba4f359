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
