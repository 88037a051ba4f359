import type { RealFftKernel } from "../../real_fft_kernel.ts";
import { type Dispatch, groups, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

const MEMBERS = [
  "lines: i32",
  "outer: i32",
  "half: i32",
  "inner: i32",
  "count: i32",
  "factor: f32",
];

/** The WGSL text: one invocation per value of the result. */
export function realFftSource(inverse: boolean): string {
  const [lengthIn, lengthOut] = inverse ? ["p.half + 1", "p.half"] : ["p.half", "p.half + 1"];
  const wrapped = (k: string) => inverse ? `(${k})` : `((${k}) % p.half)`;
  return storageBuffer(0, "source", "f32") + storageBuffer(1, "roots", "vec2f") +
    storageBuffer(2, "output", "f32", "read_write") + paramsStruct(3, MEMBERS) + `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let lengthIn = ${lengthIn};
  let lengthOut = ${lengthOut};
  for (var at = i32(id.x); at < p.count; at += i32(count.x * 64u)) {
    let i = at % p.inner;
    let k = (at / p.inner) % lengthOut;
    let block = at / (p.inner * lengthOut);
    let item = block / p.outer;
    let planeIn = p.outer * lengthIn * p.inner;
    let planeOut = p.outer * lengthOut * p.inner;
    let line = 2 * item * planeIn + (block % p.outer) * lengthIn * p.inner + i;
    let near = line + ${wrapped("k")} * p.inner;
    let far = line + ${wrapped("p.half - k")} * p.inner;
    let imaginary = ${inverse ? "select(1.0, 0.0, k == 0)" : "1.0"};
    let z = vec2f(source[near], imaginary * source[near + planeIn]);
    let mirror = vec2f(source[far], -imaginary * source[far + planeIn]);
    let w = roots[k] * vec2f(1.0, ${inverse ? "-1.0" : "1.0"});
    let odd = z - mirror;
    let turned = vec2f(w.x * odd.y - w.y * odd.x, -(w.x * odd.x + w.y * odd.y));
    let value = p.factor * (z + mirror ${inverse ? "-" : "+"} turned);
    let to = 2 * item * planeOut + ((block % p.outer) * lengthOut + k) * p.inner + i;
    output[to] = value.x;
    output[to + planeOut] = value.y;
  }
}
`;
}

/** The one launch. */
export function planRealFft(
  kernel: RealFftKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
): Dispatch[] {
  const { batch, outer, half, inner, inverse, scale } = kernel;
  const lines = batch * outer * inner, count = lines * (inverse ? half : half + 1);
  if (count === 0) return [];
  const program: Program = {
    key: `real fft ${inverse}`,
    bindings: "rrw",
    source: () => realFftSource(inverse),
  };
  return [{
    program,
    resources: [...inputs, output],
    params: new Params().int(lines, outer, half, inner, count).float(scale / 2),
    workgroups: [groups(count, 64), 1, 1],
  }];
}
