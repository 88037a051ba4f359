import type { MapFunction, MapKernel, View } from "../../kernel.ts";
import { type Dispatch, groups, Params, type Program, turnsPerInvocation } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { MAP_EXPRESSIONS } from "./map_functions.ts";
import { nanFunctions, paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

/** An iteration space, and how the operands walk it; the output's view comes last. */
interface MapShape {
  readonly shape: readonly number[];
  readonly views: readonly View[];
}

/** Drops dimensions of size 1, and merges neighbours that every view walks as one. At least one dimension remains. */
export function collapse({ shape, views }: MapShape): MapShape {
  const sizes: number[] = [];
  const strides: number[][] = views.map(() => []);
  shape.forEach((size, d) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    const merges = last >= 0 && views.every((view, v) => strides[v][last] === view.strides[d] * size);
    if (merges) {
      sizes[last] *= size;
      views.forEach((view, v) => strides[v][last] = view.strides[d]);
    } else {
      sizes.push(size);
      views.forEach((view, v) => strides[v].push(view.strides[d]));
    }
  });
  if (sizes.length === 0) {
    sizes.push(1);
    for (const stride of strides) stride.push(1);
  }
  return { shape: sizes, views: views.map((view, v) => ({ offset: view.offset, strides: strides[v] })) };
}

/** Whether the views allow four values at a time; `outputLength` because a buffer's tail may be overwritten. */
function isVectorizable({ shape, views }: MapShape, outputLength: number): boolean {
  const inner = shape.length - 1;
  const output = views.at(-1)!;
  const whole = shape[inner] % 4 === 0 || (inner === 0 && output.offset + shape[0] === outputLength);
  return whole && output.strides[inner] === 1 && views.every(({ offset, strides }) => {
    if (strides[inner] === 0) return true;
    return strides[inner] === 1 && offset % 4 === 0 && strides.slice(0, inner).every((s) => s % 4 === 0);
  });
}

interface MapSpec {
  readonly fn: MapFunction;
  readonly rank: number;
  /** Per input, which binding it reads; inputs that share the output's buffer read it through the output. */
  readonly sources: readonly number[];
  /** Per input, whether it stays put along the innermost dimension. */
  readonly fixed: readonly boolean[];
  readonly vector: boolean;
  /** Workgroup size along x and y. */
  readonly workgroup: readonly [number, number];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/**
 * The WGSL text of an elementwise kernel. The innermost dimension of the collapsed iteration space runs along x, the next
 * along y, all others along z. Where every view walks the innermost dimension by 1 (or stays put, by 0) at aligned
 * addresses, four values are processed at a time.
 */
export function mapSource({ fn, rank, sources, fixed, vector, workgroup }: MapSpec): string {
  const type = vector ? "vec4f" : "f32";
  const inputs = sources.length;
  const outputBinding = Math.max(0, ...sources.filter((s) => s >= 0).map((s) => s + 1));
  const buffer = (input: number) => sources[input] < 0 ? "output" : `input${sources[input]}`;
  const names = ["a", "b", "c"];
  const views = [...sources.map((_, i) => names[i]), "o"];
  const members = ["s: f32", "t: f32", ...range(rank).map((d) => `n${d}: u32`), "nz: u32"];
  for (const view of views) {
    members.push(`${view}Offset: i32`, ...range(rank).map((d) => `${view}${d}: i32`));
  }
  const inner = rank - 1;
  const load = (input: number, index: string) =>
    vector && fixed[input]
      ? `T(${buffer(input)}[(${index}) >> 2][(${index}) & 3])`
      : `${buffer(input)}[${index}]`;
  const step = (view: string) => vector ? "" : ` * ${view}Step`;
  const hoisted = [`let nx = p.n${inner};`, ...views.map((view) => `let ${view}Step = p.${view}${inner};`)];

  const perItem = range(inputs).filter((i) => !fixed[i]).map((i) =>
    `let ${names[i]} = ${load(i, `${names[i]}Row + i32(x)${step(names[i])}`)};`
  );
  let body = [
    ...range(inputs).filter((i) => fixed[i]).map((i) => `let ${names[i]} = ${load(i, `${names[i]}Row`)};`),
    `for (var x = id.x; x < nx; x += count.x * ${workgroup[0]}u) {`,
    ...perItem,
    `output[oRow + i32(x)${step("o")}] = ${MAP_EXPRESSIONS[fn]};`,
    "}",
  ].join("\n");
  if (rank >= 2) {
    hoisted.push(
      `let ny = p.n${inner - 1};`,
      ...views.map((view) => `let ${view}Line = p.${view}${inner - 1};`),
    );
    const rows = views.map((view) => `let ${view}Row = ${view}Plane + i32(y) * ${view}Line;`);
    body = `for (var y = id.y; y < ny; y += count.y * ${workgroup[1]}u) {\n${rows.join("\n")}\n${body}\n}`;
  }
  const start = rank >= 2 ? "Plane" : "Row";
  if (rank >= 3) {
    const digits = range(inner - 1).reverse().map((d) =>
      d > 0 ? `let i${d} = i32(rest % p.n${d}); rest /= p.n${d};` : "let i0 = i32(rest);"
    );
    const planes = views.map((view) => {
      const terms = range(inner - 1).map((d) => ` + i${d} * p.${view}${d}`);
      return `let ${view}${start} = p.${view}Offset${terms.join("")};`;
    });
    const lines = ["var rest = z;", ...digits, ...planes, body].join("\n");
    body = `for (var z = id.z; z < p.nz; z += count.z) {\n${lines}\n}`;
  } else {
    hoisted.push(...views.map((view) => `let ${view}${start} = p.${view}Offset;`));
  }
  return nanFunctions(type) +
    repeat(outputBinding, (binding) => storageBuffer(binding, `input${binding}`, type), "") +
    storageBuffer(outputBinding, "output", type, "read_write") +
    paramsStruct(outputBinding + 1, members) +
    `alias T = ${type};
@compute @workgroup_size(${workgroup[0]}, ${workgroup[1]})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
let s = T(p.s);
let t = T(p.t);
${hoisted.join("\n")}
${body}
}
`;
}

/** The launch of a map kernel; none when there is nothing to do. */
export function planMap(
  kernel: MapKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
  outputLength: number,
): Dispatch[] {
  if (kernel.shape.includes(0)) return [];
  const { shape, views } = collapse({ shape: kernel.shape, views: [...kernel.inputs, kernel.output] });
  const rank = shape.length;
  const inner = rank - 1;
  const vector = isVectorizable({ shape, views }, outputLength);
  const fixed = views.slice(0, -1).map(({ strides }) => strides[inner] === 0);
  const bound: GpuResource[] = [];
  const sources = inputs.map((input) => {
    if (input === output) return -1;
    const known = bound.indexOf(input);
    return known >= 0 ? known : bound.push(input) - 1;
  });
  const items = vector ? Math.ceil(shape[inner] / 4) : shape[inner];
  const workgroup: [number, number] = items < 32 && rank > 1 ? [8, 8] : [64, 1];
  const spec: MapSpec = { fn: kernel.fn, rank, sources, fixed, vector, workgroup };
  const key = [
    "map",
    kernel.fn,
    rank,
    sources.map((source, i) => `${source}${fixed[i] ? "f" : ""}`).join(","),
    vector ? "vec4" : "f32",
    workgroup[0],
  ].join(" ");
  const program: Program = { key, bindings: "r".repeat(bound.length) + "w", source: () => mapSource(spec) };

  const outer = shape.slice(0, Math.max(inner - 1, 0)).reduce((product, size) => product * size, 1);
  const params = new Params().float(...kernel.scalars).int(...shape.slice(0, inner), items, outer);
  views.forEach(({ offset, strides }, v) => {
    const scale = vector && !(v < inputs.length && fixed[v]) ? 4 : 1;
    params.int(offset / scale, ...strides.map((stride, d) => d === inner ? stride : stride / scale));
  });
  const lines = rank >= 2 ? shape[inner - 1] : 1;
  const turns = turnsPerInvocation(items * lines * outer);
  return [{
    program,
    resources: [...bound, output],
    params,
    workgroups: rank >= 2
      ? [groups(items, workgroup[0]), groups(Math.ceil(lines / turns), workgroup[1]), groups(outer, 1)]
      : [groups(Math.ceil(items / turns), workgroup[0]), 1, 1],
  }];
}
