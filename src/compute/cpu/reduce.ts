import type { ReduceKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import type { Kernels } from "./wasm/kernels.ts";
import { reduction, type ReductionSpec } from "./wasm/reduction.ts";

/** Values per call, and the longest part of a row that is summed at once: it does not depend on the number of threads. */
const PART = 1 << 13;
/** Values below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 20;

const SPECS: Record<ReduceKernel["fn"], ReductionSpec> = {
  sum: Object.freeze({ fn: "sum" }),
  sumSquares: Object.freeze({ fn: "sumSquares" }),
  dot: Object.freeze({ fn: "dot" }),
  max: Object.freeze({ fn: "max" }),
  min: Object.freeze({ fn: "min" }),
};
/** What an empty row gives. */
const EMPTY = { sum: 0, sumSquares: 0, dot: 0, max: -Infinity, min: Infinity };

/**
 * Runs a {@link ReduceKernel}: rows fall into parts of 8192 values, whose results in float64 are combined in their order,
 * so that the result is the same with any number of threads. Arrays outside the arena pass through its staging memory.
 */
export function reduce(
  arena: Arena,
  kernel: ReduceKernel,
  inputs: readonly Float32Array[],
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { fn, rows, length } = kernel;
  if (length === 0) return void output.fill(EMPTY[fn], 0, rows);
  const cache = kernelsOf(arena);
  const parts = new Parts(kernel);
  const combine = (results: Float64Array) => parts.combine(results, output);
  if (!inputs.every((input) => arena.owns(input))) return combine(staged(arena, cache, parts, inputs));
  const [a, b = a] = inputs.map((input) => input.byteOffset);
  const at = (results: number) => {
    const run = (kernels: Kernels, first: number, end: number) => {
      for (let call = first; call < end; call++) {
        const from = 4 * parts.start(call);
        parts.run(kernels, call, a + from, b + from, results + 8 * parts.result(call));
      }
    };
    if (pool === undefined || rows * length < WORTH_SHARING) run(cache, 0, parts.calls);
    else {
      const { calls } = parts;
      doWork(arena, cache, pool, {
        units: calls,
        grain: grainOf(calls, pool),
        scratchBytes: 0,
        run: (kernels, _, first, end) => run(kernels, first, end),
      });
    }
    combine(new Float64Array(arena.memory.buffer, results, parts.results));
  };
  if (parts.results <= PART) at(arena.staging + 8 * PART);
  else arena.borrow(8 * parts.results, at);
}

/** The rows in calls: each for some whole rows, or for a part of one. */
class Parts {
  readonly calls: number;
  /** Results of all calls. */
  readonly results: number;
  readonly #kernel: ReduceKernel;
  readonly #perRow: number;
  readonly #rows: number;

  constructor(kernel: ReduceKernel) {
    const { rows, length } = kernel;
    this.#kernel = kernel;
    this.#perRow = Math.ceil(length / PART);
    this.#rows = Math.max(1, Math.floor(PART / length));
    this.calls = this.#perRow > 1 ? rows * this.#perRow : Math.ceil(rows / this.#rows);
    this.results = rows * this.#perRow;
  }

  /** Where a call's values begin. */
  start(call: number): number {
    const { length } = this.#kernel;
    if (this.#perRow === 1) return call * this.#rows * length;
    return Math.floor(call / this.#perRow) * length + (call % this.#perRow) * PART;
  }

  /** Rows of a call, and how many values each has. */
  extent(call: number): readonly [rows: number, count: number] {
    const { rows, length } = this.#kernel;
    if (this.#perRow === 1) return [Math.min(this.#rows, rows - call * this.#rows), length];
    return [1, Math.min(PART, length - (call % this.#perRow) * PART)];
  }

  /** The place of a call's first result. */
  result(call: number): number {
    return this.#perRow === 1 ? call * this.#rows : call;
  }

  /** Makes a call, with addresses of its values and results. */
  run(kernels: Kernels, call: number, a: number, b: number, results: number): void {
    const [rows, count] = this.extent(call);
    kernels.get(reduction, SPECS[this.#kernel.fn])(a, b, results, rows, count, 4 * count);
  }

  /** Combines the results of each row. */
  combine(results: Float64Array, output: Float32Array): void {
    const { fn, rows } = this.#kernel;
    if (this.#perRow === 1) return output.set(results);
    for (let row = 0; row < rows; row++) {
      const first = row * this.#perRow;
      let value = results[first];
      for (let i = first + 1; i < first + this.#perRow; i++) {
        if (fn === "max") value = Math.max(value, results[i]);
        else if (fn === "min") value = Math.min(value, results[i]);
        else value += results[i];
      }
      output[row] = value;
    }
  }
}

/** The results of arrays anywhere. */
function staged(arena: Arena, kernels: Kernels, parts: Parts, inputs: readonly Float32Array[]): Float64Array {
  const results = new Float64Array(parts.results);
  const places = inputs.map((_, k) => arena.staging + 4 * PART * k);
  const [a, b = a] = places, to = arena.staging + 8 * PART;
  for (let call = 0; call < parts.calls; call++) {
    const [rows, count] = parts.extent(call), from = parts.start(call);
    for (const [k, input] of inputs.entries()) {
      arena.view(places[k], rows * count).set(input.subarray(from, from + rows * count));
    }
    parts.run(kernels, call, a, b, to);
    results.set(new Float64Array(arena.memory.buffer, to, rows), parts.result(call));
  }
  return results;
}
