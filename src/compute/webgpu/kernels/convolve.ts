import { convolveGeometry, outputSize } from "../../conv_geometry.ts";
import type { ConvolveKernel } from "../../kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

/**
 * The WGSL text: one invocation per output value, summing the kernel's rows, each on its own first. A
 * transposed layer gathers: output row i takes input row r where r stride + u dilation = i + padding.
 */
export function convolveSource(transposed: boolean): string {
  const weightIndex = transposed ? "((inBase + c) * outPerGroup + o % outPerGroup)" : "(o * inPerGroup + c)";
  const anchor = (index: string, axis: string) =>
    transposed ? `${index} + p.padding${axis}` : `${index} * p.stride${axis} - p.padding${axis}`;
  return storageBuffer(0, "x", "f32") + storageBuffer(1, "weights", "f32") +
    storageBuffer(2, "output", "f32", "read_write") +
    paramsStruct(3, [
      "batch: i32",
      "inChannels: i32",
      "outChannels: i32",
      "height: i32",
      "width: i32",
      "kernelHeight: i32",
      "kernelWidth: i32",
      ...["stride", "padding", "dilation"].flatMap((name) => [`${name}Row: i32`, `${name}Column: i32`]),
      "groups: i32",
      "outHeight: i32",
      "outWidth: i32",
      "begin: i32",
      "end: i32",
    ]) +
    `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let inPerGroup = p.inChannels / p.groups;
  let outPerGroup = p.outChannels / p.groups;
  for (var plane = i32(id.z); plane < p.batch * p.outChannels; plane += i32(count.z)) {
    let item = plane / p.outChannels;
    let o = plane % p.outChannels;
    let inBase = o / outPerGroup * inPerGroup;
    for (var i = i32(id.y); i < p.outHeight; i += i32(count.y)) {
      let rowAnchor = ${anchor("i", "Row")};
      for (var j = i32(id.x); j < p.outWidth; j += i32(count.x * 64u)) {
        let columnAnchor = ${anchor("j", "Column")};
        var sum = 0.0;
        for (var kernelRow = p.begin; kernelRow < p.end; kernelRow++) {
          let c = kernelRow / p.kernelHeight;
          let u = kernelRow % p.kernelHeight;
          let row = sourceRow(rowAnchor, u * p.dilationRow);
          if (row < 0) { continue; }
          var rowSum = 0.0;
          for (var v = 0; v < p.kernelWidth; v++) {
            let column = sourceColumn(columnAnchor, v * p.dilationColumn);
            if (column < 0) { continue; }
            let w = weights[(${weightIndex} * p.kernelHeight + u) * p.kernelWidth + v];
            rowSum += w * x[((item * p.inChannels + inBase + c) * p.height + row) * p.width + column];
          }
          sum += rowSum;
        }
        let at = (plane * p.outHeight + i) * p.outWidth + j;
        output[at] = select(0.0, output[at], p.begin > 0) + sum;
      }
    }
  }
}
${sourceFunction("Row", "height", transposed)}${sourceFunction("Column", "width", transposed)}`;
}

/** Which input index a tap meets, or -1. */
function sourceFunction(axis: string, size: string, transposed: boolean): string {
  const stride = `p.stride${axis}`;
  const index = transposed ? `(anchor - tap) / ${stride}` : "anchor + tap";
  const misses = transposed ? `anchor < tap || (anchor - tap) % ${stride} != 0` : "anchor + tap < 0";
  return `fn source${axis}(anchor: i32, tap: i32) -> i32 {
  if (${misses}) { return -1; }
  let index = ${index};
  return select(index, -1, index >= p.${size});
}
`;
}

/** The launches of a convolution layer: one, or for many or large kernels several that add up. */
export function planConvolve(
  kernel: ConvolveKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
): Dispatch[] {
  const geometry = convolveGeometry(kernel);
  const [outHeight, outWidth] = outputSize(geometry, kernel.height, kernel.width).map((size) =>
    Math.max(size, 0)
  );
  const planes = kernel.batch * kernel.outChannels;
  if (planes * outHeight * outWidth === 0) return [];
  const { transposed } = kernel;
  const program: Program = {
    key: `convolve ${transposed ? "transposed" : "plain"}`,
    bindings: "rrw",
    source: () => convolveSource(transposed),
  };
  const kernelRows = kernel.inChannels / kernel.groups * kernel.kernelHeight;
  return loopRanges(kernelRows, kernel.kernelWidth + 1).map((range) => ({
    program,
    resources: [...inputs, output],
    params: new Params().int(
      kernel.batch,
      kernel.inChannels,
      kernel.outChannels,
      kernel.height,
      kernel.width,
      kernel.kernelHeight,
      kernel.kernelWidth,
      ...geometry.stride,
      ...geometry.padding,
      ...geometry.dilation,
      kernel.groups,
      outHeight,
      outWidth,
      ...range,
    ),
    workgroups: [groups(outWidth, 64), groups(outHeight, 1), groups(planes, 1)],
  }));
}
