/**
 * How fast are reductions of 512 KiB blocks by SIMD in WebAssembly, beside plain loops that give the same bits?
 *
 *     deno run -A bench/reduce_kernels.ts
 *
 * Medians for 2 and 4 arrays of each type, the two ways in turn.
 */
import { type DtypeName, dtypeOfName } from "../src/comm/dtypes.ts";
import { reduceInto } from "../src/comm/reduce_ops.ts";
import { ReduceKernels } from "../src/comm/shm/reduce_kernels.ts";
import { median } from "./support/median.ts";

const BLOCK = 512 * 1024;
const ROUNDS = 40;
const TYPES: DtypeName[] = ["float16", "float32", "float64", "int32", "uint8"];
const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 });
const kernels = new ReduceKernels(memory);

for (const dtype of TYPES.map((name) => dtypeOfName(name)!)) {
  const length = BLOCK / dtype.bytesPerElement;
  const array = (at: number) => dtype.view(memory.buffer, at * BLOCK, length);
  for (const op of ["sum", "max"] as const) {
    for (const count of [2, 4]) {
      for (let at = 1; at <= count; at++) {
        const x = array(at) as Float64Array;
        for (let i = 0; i < length; i++) x[i] = 100 * Math.sin(i + at);
      }
      const simd: number[] = [], loops: number[] = [];
      for (let round = -10; round < ROUNDS; round++) {
        const started = performance.now();
        kernels.reduce(op, dtype, 0, BLOCK, BLOCK, count, length);
        const between = performance.now();
        const into = array(0);
        into.set(array(1) as never);
        for (let at = 2; at <= count; at++) reduceInto(op, into, array(at));
        if (round < 0) continue;
        simd.push(between - started);
        loops.push(performance.now() - between);
      }
      const [fast, slow] = [median(simd), median(loops)];
      const ratio = (slow / fast).toFixed(1);
      console.log(
        `${op} of ${count} x ${dtype.name}: ${fast.toFixed(3)} ms, loops ${slow.toFixed(3)}, ${ratio} times`,
      );
    }
  }
}
