import type { RadonKernel } from "../../kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { planParallelAdjoint, RADON_MEMBERS, suitsParallelAdjoint } from "./radon_parallel_adjoint.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

const MEMBERS = [...RADON_MEMBERS, "spacing: f32", "divergence: f32"];

/** Steps below this keep a coordinate in place, so that it does not clip the ray. */
const FLAT = "1e-4";

/** One invocation per ray: clips it to the image, then sums its samples. */
const PROJECT = `
fn pixel(base: i32, column: i32, row: i32) -> f32 {
  let inside = column >= 0 && row >= 0 && column < p.size && row < p.size;
  return select(0.0, source[base + select(0, row * p.size + column, inside)], inside);
}

fn clip(range: vec2f, start: f32, step: f32) -> vec2f {
  if (abs(step) < ${FLAT}) { return range; }
  let a = (-2.0 - start) / step;
  let b = (f32(p.size) + 1.0 - start) / step;
  return vec2f(max(range.x, min(a, b)), min(range.y, max(a, b)));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let middle = 0.5 * f32(p.steps - 1);
  for (var plane = i32(id.z); plane < p.planes; plane += i32(count.z)) {
  let base = plane * p.size * p.size;
  for (var view = i32(id.y); view < p.angles; view += i32(count.y)) {
  let turn = directions[view];
  for (var i = i32(id.x); i < p.detectors; i += i32(count.x * 64u)) {
    let lateral = f32(i) - 0.5 * f32(p.detectors - 1);
    let step = vec2f(turn.y, turn.x) + lateral * p.divergence * vec2f(turn.x, -turn.y);
    let start = vec2f(p.centre) + lateral * p.spacing * vec2f(turn.x, -turn.y);
    var range = vec2f(f32(p.begin) - middle, f32(p.end - 1) - middle);
    range = clip(range, start.x, step.x);
    range = clip(range, start.y, step.y);
    var sum = 0.0;
    let first = max(p.begin, i32(floor(range.x + middle)));
    let last = min(p.end - 1, i32(ceil(range.y + middle)));
    for (var j = first; j <= last; j++) {
      let at = start + (f32(j) - middle) * step;
      let corner = floor(at);
      let f = at - corner;
      let column = i32(corner.x);
      let row = i32(corner.y);
      let top = mix(pixel(base, column, row), pixel(base, column + 1, row), f.x);
      let bottom = mix(pixel(base, column, row + 1), pixel(base, column + 1, row + 1), f.x);
      sum += mix(top, bottom, f.y);
    }
    let to = (plane * p.detectors + i) * p.angles + view;
    output[to] = select(0.0, output[to], p.begin > 0) + sum;
  }}}
}
`;

/** Gathers at a pixel, from every view, the samples less than a pixel away in both directions. */
const ADJOINT_VIEW = `
      let reach = abs(turn.x) + abs(turn.y);
      let firstStep = max(0, i32(ceil(along - reach + middle)));
      let lastStep = min(p.steps - 1, i32(floor(along + reach + middle)));
      for (var j = firstStep; j <= lastStep; j++) {
        let a = f32(j) - middle;
        let width = p.spacing + p.divergence * a;
        let first = max(0, i32(ceil((across - reach) / width + detectorMiddle)));
        let last = min(p.detectors - 1, i32(floor((across + reach) / width + detectorMiddle)));
        for (var i = first; i <= last; i++) {
          let b = (f32(i) - detectorMiddle) * width;
          let gap = a * vec2f(turn.y, turn.x) + b * vec2f(turn.x, -turn.y) - place;
          let weight = max(vec2f(0.0), 1.0 - abs(gap));
          sum += weight.x * weight.y * source[base + i * p.angles + view];
        }
      }`;

/** Samples every view where the ray through the pixel meets the detector. */
const INTERPOLATE_VIEW = `
      let at = across + detectorMiddle;
      let i = i32(floor(at));
      let low = select(0.0, source[base + clamp(i, 0, p.detectors - 1) * p.angles + view], i >= 0 && i < p.detectors);
      let high = select(0.0, source[base + clamp(i + 1, 0, p.detectors - 1) * p.angles + view], i >= -1 && i + 1 < p.detectors);
      sum += mix(low, high, at - floor(at));`;

/** One invocation per pixel, which no other writes; walks the views. */
function backProject(view: string): string {
  return `
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let middle = 0.5 * f32(p.steps - 1);
  let detectorMiddle = 0.5 * f32(p.detectors - 1);
  for (var plane = i32(id.z); plane < p.planes; plane += i32(count.z)) {
  let base = plane * p.detectors * p.angles;
  for (var row = i32(id.y); row < p.size; row += i32(count.y * 8u)) {
  for (var column = i32(id.x); column < p.size; column += i32(count.x * 8u)) {
    let place = vec2f(f32(column), f32(row)) - p.centre;
    var sum = 0.0;
    for (var view = p.begin; view < p.end; view++) {
      let turn = directions[view];
      let along = turn.y * place.x + turn.x * place.y;
      let across = turn.x * place.x - turn.y * place.y;${view}
    }
    let to = (plane * p.size + row) * p.size + column;
    output[to] = select(0.0, output[to], p.begin > 0) + sum;
  }}}
}
`;
}

/** The WGSL text of a mode. */
export function radonSource(mode: RadonKernel["mode"]): string {
  const body = mode === "project"
    ? PROJECT
    : backProject(mode === "adjoint" ? ADJOINT_VIEW : INTERPOLATE_VIEW);
  return storageBuffer(0, "source", "f32") + storageBuffer(1, "directions", "vec2f") +
    storageBuffer(2, "output", "f32", "read_write") + paramsStruct(3, MEMBERS) + body;
}

/**
 * The launches: one, or for very many views or steps several that add up.
 *
 * @param scratch gives a buffer for intermediate values
 */
export function planRadon(
  kernel: RadonKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
  scratch: (length: number) => GpuResource,
): Dispatch[] {
  const { mode, planes, size, detectors, angles, steps, centre, spacing, divergence } = kernel;
  if (planes * size * detectors * angles === 0) return [];
  if (suitsParallelAdjoint(kernel)) return planParallelAdjoint(kernel, inputs, output, scratch);
  const program: Program = { key: `radon ${mode}`, bindings: "rrw", source: () => radonSource(mode) };
  const [ranges, workgroups]: [[number, number][], [number, number, number]] = mode === "project"
    ? [loopRanges(steps, 1), [groups(detectors, 64), groups(angles, 1), groups(planes, 1)]]
    : [
      loopRanges(angles, mode === "adjoint" ? turnsPerView(kernel) : 1),
      [groups(size, 8), groups(size, 8), groups(planes, 1)],
    ];
  return ranges.map((range) => ({
    program,
    resources: [...inputs, output],
    params: new Params().int(planes, size, detectors, angles, steps, ...range)
      .float(centre, spacing, divergence),
    workgroups,
  }));
}

/** Samples of a view around a pixel, at most: three steps, each with the rays in a strip of width 2 sqrt(2). */
function turnsPerView({ steps, spacing, divergence }: RadonKernel): number {
  const narrowest = spacing - Math.abs(divergence) * (steps - 1) / 2;
  return 1 + 3 * (2 + Math.ceil(2 * Math.SQRT2 / narrowest));
}
