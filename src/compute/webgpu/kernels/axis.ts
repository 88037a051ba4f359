import type { AxisKernel, AxisTable } from "../../kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program, turnsPerInvocation } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import type { TableWords, Uploaded } from "../table_cache.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

/** A sparse table as 32-bit words: offsets (rows + 1), indices, then the weights' bits if there are any. */
export interface AxisWords extends TableWords {
  readonly rows: number;
  readonly weighted: boolean;
  /** Entries of the longest row. */
  readonly longest: number;
  /** Whether every row has exactly one entry. */
  readonly single: boolean;
  /** Where the indices and the weights begin. */
  readonly indicesAt: number;
  readonly weightsAt: number;
}

/** What the cache uploads for a table. */
export function axisWords({ offsets, indices, weights }: AxisTable): AxisWords {
  const indicesAt = offsets.length;
  const weightsAt = indicesAt + indices.length;
  const words = new Int32Array(weightsAt + (weights?.length ?? 0));
  words.set(offsets);
  words.set(indices, indicesAt);
  if (weights) new Float32Array(words.buffer).set(weights, weightsAt);
  let longest = 0;
  for (let row = 1; row < offsets.length; row++) {
    longest = Math.max(longest, offsets[row] - offsets[row - 1]);
  }
  const rows = offsets.length - 1;
  const single = longest === 1 && indices.length === rows;
  return { words, rows, weighted: weights !== undefined, longest, single, indicesAt, weightsAt };
}

interface AxisSpec {
  readonly weighted: boolean;
  readonly single: boolean;
  readonly vector: boolean;
  /** Whether x runs along the table's rows (for a short inner dimension) rather than along the inner dimension. */
  readonly rowsAlongX: boolean;
}

/**
 * The WGSL text. An invocation takes one row o of the table and one place b of the inner dimension (four values of it
 * where they are aligned), and several n of the outer dimension, for which the table is read once if rows are single.
 */
export function axisSource({ weighted, single, vector, rowsAlongX }: AxisSpec): string {
  const type = vector ? "vec4f" : "f32";
  const weight = (k: string) => weighted ? `bitcast<f32>(table[weightsAt + ${k}]) * ` : "";
  const [o, b] = rowsAlongX
    ? ["o = id.x; o < rows; o += count.x * 64u", "b = id.y; b < inner; b += count.y"]
    : ["o = id.y; o < rows; o += count.y", "b = id.x; b < inner; b += count.x * 64u"];
  const prologue = single
    ? `let source = table[indicesAt + o] * inner;${
      weighted ? " let w = bitcast<f32>(table[weightsAt + o]);" : ""
    }`
    : "let first = table[o] + begin; let last = min(table[o] + end, table[o + 1u]);";
  const sum = single
    ? `let sum = ${weighted ? "w * " : ""}a[n * columns * inner + source + b];`
    : `var sum = select(${type}(0), output[(n * rows + o) * inner + b], begin > 0u);
        for (var k = first; k < last; k++) {
          sum += ${weight("k")}a[(n * columns + table[indicesAt + k]) * inner + b];
        }`;
  const members = ["outer", "rows", "columns", "inner", "indicesAt", "weightsAt", "begin", "end"];
  return storageBuffer(0, "a", type) + storageBuffer(1, "table", "u32") +
    storageBuffer(2, "output", type, "read_write") +
    paramsStruct(3, members.map((name) => `${name}: u32`)) +
    `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  ${members.map((name) => `let ${name} = p.${name};`).join(" ")}
  for (var ${o}) {
    ${prologue}
    for (var ${b}) {
      for (var n = id.z; n < outer; n += count.z) {
          ${sum}
          output[(n * rows + o) * inner + b] = sum;
      }
    }
  }
}
`;
}

/** The launches of an axis kernel: one, or for long rows of the table several that add up. */
export function planAxis(
  kernel: AxisKernel,
  input: GpuResource,
  table: Uploaded<AxisWords>,
  output: GpuResource,
): Dispatch[] {
  const { outer, inner } = kernel;
  if (outer * inner * table.rows === 0) return [];
  const vector = inner % 4 === 0;
  const items = vector ? inner / 4 : inner;
  const rowsAlongX = items < 32 && table.rows > items;
  const { weighted, single } = table;
  const spec: AxisSpec = { weighted, single, vector, rowsAlongX };
  const turns = table.longest > 64 ? 1 : turnsPerInvocation(outer * items * table.rows);
  const program: Program = {
    key: ["axis", weighted, single, vector, rowsAlongX].join(" "),
    bindings: "rrw",
    source: () => axisSource(spec),
  };
  const [x, y] = rowsAlongX ? [table.rows, items] : [items, table.rows];
  return loopRanges(table.longest, turns).map((range) => ({
    program,
    resources: [input, table.resource, output],
    params: new Params()
      .int(outer, table.rows, kernel.table.columns, items, table.indicesAt, table.weightsAt, ...range),
    workgroups: [groups(x, 64), groups(y, 1), groups(Math.ceil(outer / turns), 1)],
  }));
}
