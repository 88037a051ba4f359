import type { RadonKernel } from "../../kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

/** Rows of a column that an invocation takes: they share what depends on the view. */
const ROWS = 4;

/** Offsets of the rays and of the steps along them around a pixel. */
const NEAR = [-1, 0, 1] as const;

const WINDOW_MEMBERS = ["count: i32", "planes: i32", "detectors: i32", "angles: i32"];
/** Parameters of every projector and back-projector. */
export const RADON_MEMBERS = [
  "planes: i32",
  "size: i32",
  "detectors: i32",
  "angles: i32",
  "steps: i32",
  "begin: i32",
  "end: i32",
  "centre: f32",
];

/** Cuts the views of a launch to one in so many of what is possible: the partial sums of fewer views are more accurate. */
const SHORT_SUMS = 16;

/** Bytes of a binding that every WebGPU device allows. */
const MAX_BINDING = 2 ** 27;

/** Whether {@link planParallelAdjoint} does it: rays parallel, a pixel apart, and not too many for one buffer. */
export function suitsParallelAdjoint(kernel: RadonKernel): boolean {
  const { mode, spacing, divergence } = kernel;
  return mode === "adjoint" && spacing === 1 && divergence === 0 && 16 * windowCount(kernel) <= MAX_BINDING;
}

function windowCount({ planes, angles, detectors }: RadonKernel): number {
  return planes * angles * (detectors + 4);
}

/** windows[plane, view, i] = the values of rays i - 3, i - 2 and i - 1, zeros outside, for i < detectors + 4; one 0 fills. */
function windowSource(): string {
  return storageBuffer(0, "source", "f32") + storageBuffer(1, "windows", "vec4f", "read_write") +
    paramsStruct(2, WINDOW_MEMBERS) + `
fn ray(base: i32, i: i32) -> f32 {
  let inside = i >= 0 && i < p.detectors;
  return select(0.0, source[base + select(0, i, inside) * p.angles], inside);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let width = p.detectors + 4;
  for (var at = i32(id.x); at < p.count; at += i32(count.x * 64u)) {
    let i = at % width;
    let view = (at / width) % p.angles;
    let base = (at / (width * p.angles)) * p.detectors * p.angles + view;
    windows[at] = vec4f(ray(base, i - 3), ray(base, i - 2), ray(base, i - 1), 0.0);
  }
}
`;
}

/**
 * A pixel gathers from the 3 x 3 samples whose ray and step are nearest: no other lies within a pixel in both directions,
 * because those have a distance below sqrt(2) < 3/2.
 */
function gatherSource(): string {
  const rows = Array.from({ length: ROWS }, (_, k) => k);
  const lit = (k: number) => `
      let along${k} = turn.y * place.x + turn.x * (place.y + ${k}.0);
      let across${k} = turn.x * place.x - turn.y * (place.y + ${k}.0);
      let ray${k} = round(across${k} + detectorMiddle);
      let step${k} = round(along${k} + middle);
      let window${k} = windows[base + clamp(i32(ray${k}) + 2, 0, p.detectors + 3)];
      let di${k} = ray${k} - detectorMiddle - across${k};
      let dj${k} = step${k} - middle - along${k};
      let gap${k} = vec2f(dj${k} * turn.y + di${k} * turn.x, dj${k} * turn.x - di${k} * turn.y);
      let from${k} = -step${k};
      let to${k} = last - step${k};
${
    NEAR.map((a) =>
      `      let present${k}_${a + 1} = select(0.0, 1.0, ${a}.0 >= from${k} && ${a}.0 <= to${k});`
    ).join("\n")
  }
${
    NEAR.map((b) => {
      const weight = (a: number) => {
        const apart = `max(vec2f(0.0), 1.0 - abs(gap${k} + shift${a + 1}${b + 1}))`;
        return `      let near${k}_${a + 1}${b + 1} = ${apart};`;
      };
      const terms = NEAR.map((a) =>
        `present${k}_${a + 1} * near${k}_${a + 1}${b + 1}.x * near${k}_${a + 1}${b + 1}.y`
      );
      return NEAR.map(weight).join("\n") +
        `\n      sum${k} += (${terms.join(" + ")}) * window${k}.${"xyz"[b + 1]};`;
    }).join("\n")
  }`;
  return storageBuffer(0, "windows", "vec4f") + storageBuffer(1, "directions", "vec2f") +
    storageBuffer(2, "output", "f32", "read_write") + paramsStruct(3, RADON_MEMBERS) + `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let middle = 0.5 * f32(p.steps - 1);
  let detectorMiddle = 0.5 * f32(p.detectors - 1);
  let last = f32(p.steps - 1);
  let width = p.detectors + 4;
  for (var plane = i32(id.z); plane < p.planes; plane += i32(count.z)) {
  for (var row = i32(id.y) * ${ROWS}; row < p.size; row += i32(count.y) * ${ROWS}) {
  for (var column = i32(id.x); column < p.size; column += i32(count.x * 64u)) {
    let place = vec2f(f32(column), f32(row)) - p.centre;
${rows.map((k) => `    var sum${k} = 0.0;`).join("\n")}
    for (var view = p.begin; view < p.end; view++) {
      let turn = directions[view];
      let base = (plane * p.angles + view) * width;
${
    NEAR.flatMap((a) =>
      NEAR.map((b) =>
        `      let shift${a + 1}${
          b + 1
        } = vec2f(${a}.0 * turn.y + ${b}.0 * turn.x, ${a}.0 * turn.x - ${b}.0 * turn.y);`
      )
    ).join("\n")
  }
${rows.map(lit).join("\n")}
    }
    let to = (plane * p.size + row) * p.size + column;
${
    repeat(ROWS, (k) =>
      `    if (row + ${k} < p.size) {
      let at = to + ${k} * p.size;
      output[at] = select(0.0, output[at], p.begin > 0) + sum${k};
    }`)
  }
  }}}
}
`;
}

/**
 * The adjoint of a parallel beam: collects each ray with its neighbours, so that a pixel reads them at once, then gathers.
 * For very many views the gathering is several launches that add up.
 *
 * @param scratch gives a buffer for the collected rays
 */
export function planParallelAdjoint(
  kernel: RadonKernel,
  [source, directions]: readonly GpuResource[],
  output: GpuResource,
  scratch: (length: number) => GpuResource,
): Dispatch[] {
  const { planes, size, detectors, angles, steps, centre } = kernel;
  const count = windowCount(kernel);
  const windows = scratch(4 * count);
  const collect: Dispatch = {
    program: { key: "radon windows", bindings: "rw", source: windowSource },
    resources: [source, windows],
    params: new Params().int(count, planes, detectors, angles),
    workgroups: [groups(count, 64), 1, 1],
  };
  const program: Program = { key: "radon parallel adjoint", bindings: "rrw", source: gatherSource };
  return [
    collect,
    ...loopRanges(angles, SHORT_SUMS).map((range) => ({
      program,
      resources: [windows, directions, output],
      params: new Params().int(planes, size, detectors, angles, steps, ...range).float(centre),
      workgroups: [groups(size, 64), groups(size, ROWS), groups(planes, 1)] as const,
    })),
  ];
}
