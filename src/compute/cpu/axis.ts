import type { AxisKernel, AxisTable } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { axis as axisAnywhere } from "./kernels/axis.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { axisLanes, axisRows, axisRun } from "./wasm/axis.ts";
import type { Kernels } from "./wasm/kernels.ts";

const SPEC = Object.freeze({});
/** Products per call and task: short calls let the engine replace its baseline code early. */
const PRODUCTS_PER_CALL = 1 << 14;
/** Products below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 22;
/** Entries in a row above which float32 sums would lose accuracy. */
const MOST_TAPS = 16;

/** Rows whose entries move along with them: row first + i has the weights of row `first`, i columns to the right. */
interface Run {
  readonly first: number;
  readonly count: number;
  /** Whether it is that regular; else its rows have nothing in common. */
  readonly isRegular: boolean;
}

/** What a table is turned into once. */
interface Plan {
  readonly runs: readonly Run[];
  readonly weights: Float32Array;
  /** For each regular run its entries: four times the column, and the bits of the weight. */
  readonly taps: Int32Array;
  readonly tapStarts: readonly number[];
}

const plans: WeakMap<AxisTable, Plan> = new WeakMap();

/**
 * Runs an {@link AxisKernel}. Side by side behind the axis, values fill vectors; along the axis itself, rows do that
 * are shifted copies of each other, as of differences, padding and filters, and other rows four lines at a time.
 */
export function axis(
  arena: Arena,
  kernel: AxisKernel,
  input: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { outer, inner, table } = kernel;
  const rows = table.offsets.length - 1;
  if (outer * inner * rows === 0) return;
  if (!arena.owns(input) || !arena.owns(output)) return axisAnywhere(kernel, input, output);
  const { offsets, indices } = table;
  const plan = planOf(table);
  const cache = kernelsOf(arena);
  const products = Math.max(1, indices.length) * outer * inner;
  const words = [
    offsets,
    indices,
    new Int32Array(plan.weights.buffer, plan.weights.byteOffset, indices.length),
    plan.taps,
  ];
  const length = words.reduce((sum, { length }) => sum + length, 0);
  arena.borrow(4 * length, (address) => {
    const places: number[] = [];
    const target = new Int32Array(arena.memory.buffer, address, length);
    let at = 0;
    for (const part of words) {
      target.set(part, at);
      places.push(address + 4 * at);
      at += part.length;
    }
    const parts = inner === 1 ? lineParts(kernel, plan, places) : rowParts(kernel, places);
    const run = (kernels: Kernels, first: number, end: number) =>
      parts.run(kernels, input.byteOffset, output.byteOffset, first, end);
    if (pool === undefined || products < WORTH_SHARING) return run(cache, 0, parts.units);
    doWork(arena, cache, pool, {
      units: parts.units,
      grain: grainOf(parts.units, pool),
      scratchBytes: 0,
      run: (kernels, _, first, end) => run(kernels, first, end),
    });
  });
}

/** Independent parts of the work. */
interface Parts {
  readonly units: number;
  run(kernels: Kernels, from: number, to: number, first: number, end: number): void;
}

/** Blocks of rows of every outer index. */
function rowParts({ outer, inner, table }: AxisKernel, [offsets, places, weights]: readonly number[]): Parts {
  const rows = table.offsets.length - 1;
  const each = Math.max(1, table.indices.length / rows) * inner;
  const block = Math.min(rows, Math.max(1, Math.floor(PRODUCTS_PER_CALL / each)));
  const blocks = Math.ceil(rows / block);
  return {
    units: outer * blocks,
    run(kernels, from, to, first, end) {
      const run = kernels.get(axisRows, SPEC);
      for (let unit = first; unit < end; unit++) {
        const a = Math.floor(unit / blocks), row = block * (unit % blocks);
        const source = from + 4 * a * table.columns * inner, target = to + 4 * (a * rows + row) * inner;
        run(source, target, offsets + 4 * row, places, weights, Math.min(block, rows - row), inner);
      }
    },
  };
}

/** Blocks of lines. */
function lineParts({ outer, table }: AxisKernel, plan: Plan, places: readonly number[]): Parts {
  const [offsets, columns, weights, taps] = places;
  const rows = table.offsets.length - 1;
  const block = 4 * Math.max(1, Math.floor(PRODUCTS_PER_CALL / 4 / Math.max(rows, table.indices.length)));
  return {
    units: Math.ceil(outer / block),
    run(kernels, from, to, first, end) {
      for (let unit = first; unit < end; unit++) {
        const line = unit * block, lines = Math.min(block, outer - line);
        for (const [k, { first, count, isRegular }] of plan.runs.entries()) {
          const x = (i: number) => from + 4 * i * table.columns,
            out = (i: number) => to + 4 * (i * rows + first);
          if (isRegular) {
            const entries = taps + 4 * plan.tapStarts[k];
            const tapCount = table.offsets[first + 1] - table.offsets[first];
            const distances = [4 * table.columns, 4 * rows] as const;
            kernels.get(axisRun, SPEC)(x(line), out(line), entries, tapCount, count, lines, ...distances);
            continue;
          }
          const run = kernels.get(axisLanes, SPEC);
          for (let i = line; i < line + lines; i += 4) {
            const [a, b, c, d] = [0, 1, 2, 3].map((lane) => Math.min(i + lane, line + lines - 1));
            run(
              x(a),
              x(b),
              x(c),
              x(d),
              out(a),
              out(b),
              out(c),
              out(d),
              offsets + 4 * first,
              columns,
              weights,
              count,
            );
          }
        }
      }
    },
  };
}

function planOf(table: AxisTable): Plan {
  let plan = plans.get(table);
  if (plan !== undefined) return plan;
  const weights = table.weights ?? new Float32Array(table.indices.length).fill(1);
  const bits = new Int32Array(weights.buffer, weights.byteOffset, weights.length);
  const runs = runsOf(table, weights);
  const taps: number[] = [], tapStarts: number[] = [];
  for (const { first, isRegular } of runs) {
    tapStarts.push(taps.length);
    for (let k = table.offsets[first]; isRegular && k < table.offsets[first + 1]; k++) {
      taps.push(4 * table.indices[k], bits[k]);
    }
  }
  plans.set(table, plan = { runs, weights, taps: Int32Array.from(taps), tapStarts });
  return plan;
}

/** Regular runs of at least four rows, and the rows between them. */
function runsOf(table: AxisTable, weights: Float32Array): Run[] {
  const { offsets, indices } = table;
  const rows = offsets.length - 1;
  const runs: Run[] = [];
  for (let first = 0; first < rows;) {
    let end = first + 1;
    while (end < rows && follows(end)) end++;
    const isRegular = end - first >= 4 && offsets[first + 1] - offsets[first] <= MOST_TAPS;
    const last = runs[runs.length - 1];
    if (!isRegular && last?.isRegular === false) runs[runs.length - 1] = { ...last, count: end - last.first };
    else runs.push({ first, count: end - first, isRegular });
    first = end;
  }
  return runs;

  /** Whether a row has the weights of the row before, one column further. */
  function follows(row: number): boolean {
    const before = offsets[row - 1], here = offsets[row], taps = here - before;
    if (offsets[row + 1] - here !== taps) return false;
    for (let k = 0; k < taps; k++) {
      if (indices[here + k] !== indices[before + k] + 1 || weights[here + k] !== weights[before + k]) {
        return false;
      }
    }
    return true;
  }
}
