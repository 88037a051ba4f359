import type { GriddingKernel, GriddingTable } from "../../gridding_kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import type { TableWords } from "../table_cache.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

/** A table as 32-bit words: cells (height width + 1), order, rows, columns (samples each), the weights' bits. */
export interface GriddingWords extends TableWords {
  /** The most samples that begin in `taps` neighbouring cells of a row. */
  readonly longest: number;
}

/** What the cache uploads for a table. */
export function griddingWords(table: GriddingTable): GriddingWords {
  const { cells, order, rows, columns, weights } = table;
  const words = new Int32Array(cells.length + 3 * order.length + weights.length);
  words.set(cells);
  [order, rows, columns].forEach((part, k) => words.set(part, cells.length + k * order.length));
  new Float32Array(words.buffer).set(weights, cells.length + 3 * order.length);
  return { words, longest: longestRun(table) };
}

function longestRun({ height, width, taps, cells }: GriddingTable): number {
  let longest = 0;
  for (let row = 0; row < height * width; row += width) {
    for (let column = 0; column < width; column++) {
      const first = column - taps + 1;
      let count = cells[row + column + 1] - cells[row + Math.max(first, 0)];
      if (first < 0) count += cells[row + width] - cells[row + width + first];
      longest = Math.max(longest, count);
    }
  }
  return longest;
}

/** One invocation per sample and pair of planes. */
const INTERPOLATE = `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  for (var pair = id.y; 2u * pair < p.planes; pair += count.y) {
  let a = 2u * pair;
  let b = min(a + 1u, p.planes - 1u);
  for (var s = id.x; s < p.samples; s += count.x * 64u) {
    let row = table[p.rowsAt + s];
    let column = table[p.columnsAt + s];
    let u = p.weightsAt + 2u * p.taps * s;
    var sum = vec2f(0.0);
    for (var i = 0u; i < p.taps; i++) {
      let r = wrapped(row + i, p.height);
      let startA = (a * p.height + r) * p.width;
      let startB = (b * p.height + r) * p.width;
      var line = vec2f(0.0);
      for (var j = 0u; j < p.taps; j++) {
        let c = wrapped(column + j, p.width);
        line += weight(u + p.taps + j) * vec2f(source[startA + c], source[startB + c]);
      }
      sum += weight(u + i) * line;
    }
    let to = table[p.orderAt + s];
    output[a * p.samples + to] = sum.x;
    output[b * p.samples + to] = sum.y;
  }}
}
`;

/**
 * One invocation per grid point and pair of planes: walks the samples that begin in the taps x taps cells up to it, one row
 * of cells after the other; the part of a row that lies beyond the grid's border is the second of its two runs.
 */
const SPREAD = `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  for (var pair = id.z; 2u * pair < p.planes; pair += count.z) {
  let a = 2u * pair;
  let b = min(a + 1u, p.planes - 1u);
  for (var r = id.y; r < p.height; r += count.y) {
  for (var c = id.x; c < p.width; c += count.x * 64u) {
    let beyond = max(p.taps, c + 1u) - (c + 1u);
    var sum = vec2f(0.0);
    for (var i = 0u; i < p.taps; i++) {
      let cells = wrapped(r + p.height - i, p.height) * p.width;
      for (var run = 0u; run < 2u; run++) {
        let low = select(p.width - beyond, c + 1u - (p.taps - beyond), run == 0u);
        let high = select(p.width, c + 1u, run == 0u);
        let first = table[cells + low];
        let last = table[cells + high];
        let end = min(first + p.end, last);
        for (var s = first + p.begin; s < end; s++) {
          let j = wrapped(c + p.width - table[p.columnsAt + s], p.width);
          let u = p.weightsAt + 2u * p.taps * s;
          let place = table[p.orderAt + s];
          sum += weight(u + i) * weight(u + p.taps + j) *
            vec2f(source[a * p.samples + place], source[b * p.samples + place]);
        }
      }
    }
    let toA = (a * p.height + r) * p.width + c;
    let toB = (b * p.height + r) * p.width + c;
    let before = select(vec2f(0.0), vec2f(output[toA], output[toB]), p.begin > 0u);
    output[toA] = before.x + sum.x;
    if (b != a) { output[toB] = before.y + sum.y; }
  }}}
}
`;

const MEMBERS = [
  "planes",
  "samples",
  "height",
  "width",
  "taps",
  "orderAt",
  "rowsAt",
  "columnsAt",
  "weightsAt",
  "begin",
  "end",
];

/** The WGSL text of a mode. */
export function griddingSource(mode: GriddingKernel["mode"]): string {
  return storageBuffer(0, "source", "f32") + storageBuffer(1, "table", "u32") +
    storageBuffer(2, "output", "f32", "read_write") + paramsStruct(3, MEMBERS.map((name) => `${name}: u32`)) +
    "fn weight(at: u32) -> f32 { return bitcast<f32>(table[at]); }\n" +
    "fn wrapped(at: u32, extent: u32) -> u32 { return select(at, at - extent, at >= extent); }\n" +
    (mode === "interpolate" ? INTERPOLATE : SPREAD);
}

/** The launches: one, or for very many samples around a grid point several that add up. */
export function planGridding(
  { mode, planes, table }: GriddingKernel,
  input: GpuResource,
  uploaded: { readonly resource: GpuResource; readonly longest: number },
  output: GpuResource,
): Dispatch[] {
  const { height, width, taps, cells, order } = table;
  const samples = order.length;
  if (planes === 0 || (mode === "interpolate" && samples === 0)) return [];
  const program: Program = { key: `gridding ${mode}`, bindings: "rrw", source: () => griddingSource(mode) };
  const pairs = Math.ceil(planes / 2);
  const at = [0, 1, 2, 3].map((k) => cells.length + k * samples);
  const [ranges, workgroups]: [[number, number][], [number, number, number]] = mode === "interpolate"
    ? [[[0, 0]], [groups(samples, 64), groups(pairs, 1), 1]]
    : [loopRanges(uploaded.longest, 2 * taps), [groups(width, 64), groups(height, 1), groups(pairs, 1)]];
  return ranges.map((range) => ({
    program,
    resources: [input, uploaded.resource, output],
    params: new Params().int(planes, samples, height, width, taps, ...at, ...range),
    workgroups,
  }));
}
