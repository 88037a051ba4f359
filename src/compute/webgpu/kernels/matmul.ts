import type { MatmulKernel } from "../../kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

/** Rows and columns of the output that one invocation computes. */
const TILE = 4;
const WORKGROUP = 8;
/** Products that are summed on their own, so that rounding errors do not grow with k. */
const RUN = 256;

/**
 * The WGSL text: each invocation holds a 4 x 4 tile of the output in registers, so every value it loads serves four
 * products. Rows and columns beyond the edge are clamped on loading and not stored.
 */
export function matmulSource(): string {
  const each = (code: (index: number) => string) => repeat(TILE, code, " ");
  return storageBuffer(0, "a", "f32") + storageBuffer(1, "b", "f32") +
    storageBuffer(2, "output", "f32", "read_write") +
    paramsStruct(3, ["batch: u32", "m: u32", "k: u32", "n: u32", "begin: u32", "end: u32"]) +
    `
@compute @workgroup_size(${WORKGROUP}, ${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  for (var item = id.z; item < p.batch; item += count.z) {
  for (var row = id.y * ${TILE}u; row < p.m; row += count.y * ${WORKGROUP * TILE}u) {
  for (var column = id.x * ${TILE}u; column < p.n; column += count.x * ${WORKGROUP * TILE}u) {
    ${each((i) => `let aRow${i} = (item * p.m + min(row + ${i}u, p.m - 1u)) * p.k;`)}
    ${each((j) => `let bColumn${j} = item * p.k * p.n + min(column + ${j}u, p.n - 1u);`)}
    ${each((i) => `var sum${i} = vec4f(0);`)}
    for (var run = p.begin; run < p.end; run += ${RUN}u) {
      let stop = min(run + ${RUN}u, p.end);
      ${each((i) => `var part${i} = vec4f(0);`)}
      for (var k = run; k < stop; k++) {
        let v = vec4f(${repeat(TILE, (j) => `b[bColumn${j} + k * p.n]`, ", ")});
        ${each((i) => `part${i} += a[aRow${i} + k] * v;`)}
      }
      ${each((i) => `sum${i} += part${i};`)}
    }
    ${
      each((i) =>
        `if (row + ${i}u < p.m) { let at = (item * p.m + row + ${i}u) * p.n + column; ` +
        each((j) =>
          `if (column + ${j}u < p.n) { output[at + ${j}u] = select(0.0, output[at + ${j}u], p.begin > 0u) + sum${i}[${j}]; }`
        ) + " }"
      )
    }
  }}}
}
`;
}

const PROGRAM: Program = { key: "matmul", bindings: "rrw", source: matmulSource };

/** The launches of a matrix product: one, or for long rows several that add up. */
export function planMatmul(
  { batch, m, k, n }: MatmulKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
): Dispatch[] {
  if (batch * m * n === 0) return [];
  return loopRanges(k, 1 + 1 / RUN).map((range) => ({
    program: PROGRAM,
    resources: [...inputs, output],
    params: new Params().int(batch, m, k, n, ...range),
    workgroups: [groups(n, WORKGROUP * TILE), groups(m, WORKGROUP * TILE), groups(batch, 1)],
  }));
}
