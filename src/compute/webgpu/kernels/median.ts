import type { MedianKernel } from "../../kernel.ts";
import { type Dispatch, groups, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { nanFunctions, paramsStruct, storageBuffer } from "./wgsl.ts";

const MEMBERS = ["planes", "height", "width", "windowHeight", "windowWidth", "rows", "columns"];

/**
 * The WGSL text: one invocation per output value. The median is built from its highest bit down: with float32 values
 * mapped to whole numbers of the same order, a bit is set when at most `rank` values lie below the number that has it.
 */
function medianSource(): string {
  return nanFunctions("f32") + storageBuffer(0, "a", "f32") +
    storageBuffer(1, "output", "f32", "read_write") +
    paramsStruct(2, MEMBERS.map((name) => `${name}: u32`)) +
    `
fn ordered(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}
fn unordered(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u));
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let rank = (p.windowHeight * p.windowWidth - 1u) >> 1u;
  for (var plane = id.z; plane < p.planes; plane += count.z) {
    for (var i = id.y; i < p.rows; i += count.y) {
      for (var j = id.x; j < p.columns; j += count.x * 64u) {
        var found = 0u;
        var spoiled = -1i;
        let corner = (plane * p.height + i) * p.width + j;
        for (var bit = 0u; bit < 32u; bit++) {
          let candidate = found | (0x80000000u >> bit);
          var below = 0u;
          for (var u = 0u; u < p.windowHeight; u++) {
            let first = corner + u * p.width;
            for (var k = first; k < first + p.windowWidth; k++) {
              below += select(0u, 1u, ordered(a[k]) < candidate);
              if (bit == 0u && isNan(a[k])) { spoiled = i32(k); }
            }
          }
          if (below <= rank) { found = candidate; }
        }
        let at = (plane * p.rows + i) * p.columns + j;
        if (spoiled >= 0) { output[at] = a[spoiled]; } else { output[at] = unordered(found); }
      }
    }
  }
}
`;
}

const PROGRAM: Program = { key: "median", bindings: "rw", source: medianSource };

/** The launch of a median kernel; none when there is nothing to do. */
export function planMedian(kernel: MedianKernel, input: GpuResource, output: GpuResource): Dispatch[] {
  const { planes, height, width, windowHeight, windowWidth } = kernel;
  const rows = height - windowHeight + 1, columns = width - windowWidth + 1;
  if (planes * rows * columns === 0) return [];
  return [{
    program: PROGRAM,
    resources: [input, output],
    params: new Params().int(planes, height, width, windowHeight, windowWidth, rows, columns),
    workgroups: [groups(columns, 64), groups(rows, 1), groups(planes, 1)],
  }];
}
