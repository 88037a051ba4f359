import type { ReduceKernel } from "../../kernel.ts";
import { type Dispatch, groups, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { nanFunctions, paramsStruct, storageBuffer } from "./wgsl.ts";

type ReduceFunction = ReduceKernel["fn"];

/** Invocations that share one chunk of a row. */
const LANES = 64;
/** Values per invocation in one pass: short runs keep the summation pairwise in effect. */
const VALUES_PER_LANE = 64;
const CHUNK = LANES * VALUES_PER_LANE;
/** Rows up to this length are reduced by one invocation each. */
const SHORT_ROW = 32;

const IDENTITY: Readonly<Record<ReduceFunction, string>> = {
  sum: "0.0",
  sumSquares: "0.0",
  dot: "0.0",
  max: "bitcast<f32>(p.minusInfinity)",
  min: "-bitcast<f32>(p.minusInfinity)",
};

/** `a` and `b` combined; `suffix` 4 where they are vec4f. */
function combine(fn: ReduceFunction, a: string, b: string, suffix = ""): string {
  if (fn === "max") return `maximum${suffix}(${a}, ${b})`;
  if (fn === "min") return `minimum${suffix}(${a}, ${b})`;
  return `(${a} + ${b})`;
}

const MINUS_INFINITY_BITS = 0xff800000;

interface ReduceSpec {
  readonly fn: ReduceFunction;
  /** One invocation per row instead of one workgroup per chunk. */
  readonly short: boolean;
  readonly vector: boolean;
}

/**
 * The WGSL text of one pass. Long rows: workgroup (chunk, row) combines up to 4096 values into one; each lane combines
 * every 64th, then the lanes halve their number step by step.
 */
export function reduceSource({ fn, short, vector }: ReduceSpec): string {
  const inputs = fn === "dot" ? 2 : 1;
  const type = vector ? "vec4f" : "f32";
  const value = fn === "sumSquares" ? "a[i] * a[i]" : fn === "dot" ? "a[i] * b[i]" : "a[i]";
  const head = nanFunctions("f32") + (vector ? nanFunctions("vec4f", "4") : "") +
    storageBuffer(0, "a", type) + (inputs === 2 ? storageBuffer(1, "b", type) : "") +
    storageBuffer(inputs, "output", "f32", "read_write") +
    paramsStruct(inputs + 1, ["rows: u32", "length: u32", "chunks: u32", "minusInfinity: u32"]);
  if (short) {
    return `${head}
@compute @workgroup_size(${LANES})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  for (var row = id.x; row < p.rows; row += count.x * ${LANES}u) {
    var sum = ${IDENTITY[fn]};
    for (var k = 0u; k < p.length; k++) {
      let i = row * p.length + k;
      sum = ${combine(fn, "sum", value)};
    }
    output[row] = sum;
  }
}
`;
  }
  const gathered = vector ? combine(fn, combine(fn, "sum.x", "sum.y"), combine(fn, "sum.z", "sum.w")) : "sum";
  return `${head}
var<workgroup> shares: array<f32, ${LANES}>;
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var row = group.y; row < p.rows; row += count.y) {
  for (var chunk = group.x; chunk < p.chunks; chunk += count.x) {
    let begin = chunk * ${CHUNK / (vector ? 4 : 1)}u;
    let end = min(begin + ${CHUNK / (vector ? 4 : 1)}u, p.length);
    var sum = ${type}(${IDENTITY[fn]});
    for (var k = begin + lane; k < end; k += ${LANES}u) {
      let i = row * p.length + k;
      sum = ${combine(fn, "sum", value, vector ? "4" : "")};
    }
    shares[lane] = ${gathered};
    workgroupBarrier();
    for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {
      if (lane < half) { shares[lane] = ${combine(fn, "shares[lane]", "shares[lane + half]")}; }
      workgroupBarrier();
    }
    if (lane == 0u) { output[row * p.chunks + chunk] = shares[0]; }
    workgroupBarrier();
  }}
}
`;
}

/**
 * The passes of a reduction of rows of at least one value: each divides the rows' length by up to 4096.
 *
 * @param scratch gives a buffer for intermediate values
 */
export function planReduce(
  kernel: ReduceKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
  scratch: (length: number) => GpuResource,
): Dispatch[] {
  const { rows } = kernel;
  const passes: Dispatch[] = [];
  let { fn, length } = kernel;
  let sources = inputs;
  for (let done = false; !done;) {
    const short = length <= SHORT_ROW;
    const vector = !short && length % 4 === 0;
    const chunks = short ? 1 : Math.ceil(length / CHUNK);
    done = chunks === 1;
    const target = done ? output : scratch(rows * chunks);
    const spec: ReduceSpec = { fn, short, vector };
    const program: Program = {
      key: `reduce ${fn} ${short ? "short" : vector ? "vec4" : "f32"}`,
      bindings: "r".repeat(sources.length) + "w",
      source: () => reduceSource(spec),
    };
    passes.push({
      program,
      resources: [...sources, target],
      params: new Params().int(rows, vector ? length / 4 : length, chunks, MINUS_INFINITY_BITS),
      workgroups: short ? [groups(rows, LANES), 1, 1] : [groups(chunks, 1), groups(rows, 1), 1],
    });
    sources = [target];
    if (fn === "sumSquares" || fn === "dot") fn = "sum";
    length = chunks;
  }
  return passes;
}
