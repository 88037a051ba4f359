import type { AxisKernel } from "../../kernel.ts";
import { type Dispatch, groups, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

/** A sparse table as one buffer of 32-bit words: offsets (rows + 1), indices, then the weights' bits if there are any. */
export interface UploadedTable {
  readonly resource: GpuResource;
  readonly rows: number;
  readonly weighted: boolean;
  /** Where the indices and the weights begin. */
  readonly indicesAt: number;
  readonly weightsAt: number;
}

interface AxisSpec {
  readonly weighted: boolean;
  readonly vector: boolean;
  /** Whether x runs along the table's rows (for inner = 1) rather than along the inner dimension. */
  readonly rowsAlongX: boolean;
}

/** The WGSL text: one invocation sums one output value, or four along the inner dimension. */
export function axisSource({ weighted, vector, rowsAlongX }: AxisSpec): string {
  const type = vector ? "vec4f" : "f32";
  const weight = weighted ? "bitcast<f32>(table[p.weightsAt + k]) * " : "";
  const [x, y] = rowsAlongX ? ["o", "b"] : ["b", "o"];
  const size = { o: "p.rows", b: "p.inner" };
  return storageBuffer(0, "a", type) + storageBuffer(1, "table", "u32") +
    storageBuffer(2, "output", type, "read_write") +
    paramsStruct(3, [
      "outer: u32",
      "rows: u32",
      "columns: u32",
      "inner: u32",
      "indicesAt: u32",
      "weightsAt: u32",
    ]) +
    `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  for (var n = id.z; n < p.outer; n += count.z) {
    for (var ${y} = id.y; ${y} < ${size[y as "o" | "b"]}; ${y} += count.y) {
      for (var ${x} = id.x; ${x} < ${size[x as "o" | "b"]}; ${x} += count.x * 64u) {
        var sum = ${type}(0);
        let end = table[o + 1u];
        for (var k = table[o]; k < end; k++) {
          sum += ${weight}a[(n * p.columns + table[p.indicesAt + k]) * p.inner + b];
        }
        output[(n * p.rows + o) * p.inner + b] = sum;
      }
    }
  }
}
`;
}

/** The launch of an axis kernel; undefined when the output is empty. */
export function planAxis(
  kernel: AxisKernel,
  input: GpuResource,
  table: UploadedTable,
  output: GpuResource,
): Dispatch | undefined {
  const { outer, inner } = kernel;
  if (outer * inner * table.rows === 0) return undefined;
  const vector = inner % 4 === 0;
  const items = vector ? inner / 4 : inner;
  const rowsAlongX = items < 32 && table.rows > items;
  const spec: AxisSpec = { weighted: table.weighted, vector, rowsAlongX };
  const program: Program = {
    key: `axis ${table.weighted ? "weighted" : "ones"} ${vector ? "vec4" : "f32"} ${
      rowsAlongX ? "rows" : "inner"
    }`,
    bindings: "rrw",
    source: () => axisSource(spec),
  };
  const [x, y] = rowsAlongX ? [table.rows, items] : [items, table.rows];
  return {
    program,
    resources: [input, table.resource, output],
    params: new Params().int(
      outer,
      table.rows,
      kernel.table.columns,
      items,
      table.indicesAt,
      table.weightsAt,
    ),
    workgroups: [groups(x, 64), groups(y, 1), groups(outer, 1)],
  };
}
