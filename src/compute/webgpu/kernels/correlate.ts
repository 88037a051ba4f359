import type { CorrelateKernel } from "../../kernel.ts";
import { type Dispatch, groups, loopRanges, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

/** Taps that one turn of the inner loop applies. */
const TAPS = 8;

/** Rows of the filter that are summed on their own, so that rounding errors do not grow with its area. */
const BAND = 16;

/**
 * How a correlation is laid out: the filter is walked in blocks of 8 taps `along` one axis, and each invocation keeps
 * `run` outputs along that axis times `lines` outputs across it in registers, so that a loaded value serves many
 * products.
 */
interface CorrelateSpec {
  readonly along: "x" | "y";
  readonly run: number;
  readonly lines: number;
  /**
   * Lanes of a subgroup, where their number is fixed and loads are dear: every lane loads one tap of a block and
   * broadcasts it. 0: every invocation loads every tap.
   */
  readonly lanes: number;
  /** Whether the result is added to the output, for the later launches of very large filters. */
  readonly accumulate: boolean;
}

/** Two-dimensional filters run in blocks of 8 x 4 outputs, one-dimensional ones in runs of 16. */
function chooseSpec(kernel: CorrelateKernel, lanes: number): Omit<CorrelateSpec, "accumulate"> {
  const broadcast = lanes >= TAPS ? lanes : 0;
  if (kernel.filterWidth === 1 && kernel.filterHeight > 1) {
    return { along: "y", run: 16, lines: 1, lanes: broadcast };
  }
  if (kernel.filterHeight === 1) return { along: "x", run: 16, lines: 1, lanes: broadcast };
  return { along: "x", run: 8, lines: 4, lanes: broadcast };
}

/**
 * The WGSL text. "a" counts along the block axis, "c" across it; the window x0 .. x(run + 7) slides by 8 per turn.
 * Loads beyond the image are clamped: they only reach outputs that are not stored.
 */
export function correlateSource({ along, run, lines, lanes, accumulate }: CorrelateSpec): string {
  const previous = accumulate ? "output[at] + " : "";
  const [a, c] = along === "x" ? ["id.x", "id.y"] : ["id.y", "id.x"];
  const load = (position: string) => `x[row + min(${position}, p.inA - 1) * p.strideA]`;
  const tap = (line: number, index: string) =>
    `select(0.0, h[clamp(filterAt + (r - ${line}) * p.filterC + (${index}) * p.filterA, 0, p.filterLast)], ` +
    `r >= ${line} && r - ${line} < p.tapsC && ${index} < p.tapsA)`;
  const weights = lanes > 0 ? repeat(lines, (q) => `let slice${q} = ${tap(q, "v + i32(lane)")};`) : "";
  const weight = (q: number, t: number) =>
    lanes > 0 ? `subgroupBroadcast(slice${q}, ${t}u)` : tap(q, `v + ${t}`);
  const products = repeat(
    TAPS,
    (t) =>
      repeat(
        lines,
        (q) => `{ let w = ${weight(q, t)}; ${repeat(run, (i) => `part${q}_${i} += w * x${i + t};`, " ")} }`,
      ),
  );
  const each = (code: string) =>
    repeat(lines, (q) => repeat(run, (i) => code.replaceAll("#", `${q}_${i}`), " "));
  const workgroup = lanes > 0 ? lanes : 64;
  return storageBuffer(0, "x", "f32") + storageBuffer(1, "h", "f32") +
    storageBuffer(2, "output", "f32", "read_write") +
    paramsStruct(3, [
      "planes: i32",
      "channels: i32",
      "filterBatches: i32",
      "filterChannels: i32",
      "inA: i32",
      "inC: i32",
      "strideA: i32",
      "strideC: i32",
      "outA: i32",
      "outC: i32",
      "outStrideA: i32",
      "outStrideC: i32",
      "tapsA: i32",
      "tapsC: i32",
      "filterA: i32",
      "filterC: i32",
      "filterStart: i32",
      "filterLast: i32",
      "begin: i32",
      "end: i32",
    ]) +
    `
@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u${
      lanes > 0 ? ", @builtin(subgroup_invocation_id) lane: u32" : ""
    }) {
  let a = i32(${a}) * ${run};
  let c = i32(${c}) * ${lines};
  for (var plane = i32(id.z); plane < p.planes; plane += i32(count.z)) {
    let item = select(0, plane / p.channels, p.filterBatches > 1);
    let channel = select(0, plane % p.channels, p.filterChannels > 1);
    let filterAt = (item * p.filterChannels + channel) * p.tapsA * p.tapsC + p.filterStart;
    let planeAt = plane * p.inA * p.inC;
    ${each("var sum# = 0.0;")}
    for (var band = p.begin; band < p.end; band += ${BAND}) {
    let bandEnd = min(band + ${BAND}, p.end);
    ${each("var part# = 0.0;")}
    for (var r = band; r < bandEnd; r++) {
      let row = planeAt + min(c + r, p.inC - 1) * p.strideC;
      ${repeat(run, (i) => `var x${i} = ${load(`a + ${i}`)};`, "\n      ")}
      for (var v = 0; v < p.tapsA; v += ${TAPS}) {
        ${repeat(TAPS, (i) => `let x${run + i} = ${load(`a + v + ${run + i}`)};`, "\n        ")}
        ${weights}
        ${products}
        ${repeat(run, (i) => `x${i} = x${i + TAPS};`, " ")}
      }
    }
    ${each("sum# += part#;")}
    }
    let outAt = plane * p.outA * p.outC + a * p.outStrideA + c * p.outStrideC;
    ${
      repeat(lines, (q) =>
        repeat(run, (i) =>
          `if (a + ${i} < p.outA && c + ${q} < p.outC) { let at = outAt + ${i} * p.outStrideA + ${q} * p.outStrideC; ` +
          `output[at] = ${previous}sum${q}_${i}; }`))
    }
  }
}
`;
}

/**
 * The launches of a depthwise correlation: one, or for very large filters several that add up.
 *
 * @param lanes the adapter's fixed subgroup size where broadcasting pays, else 0
 */
export function planCorrelate(
  kernel: CorrelateKernel,
  inputs: readonly GpuResource[],
  output: GpuResource,
  lanes: number,
): Dispatch[] {
  const { batch, channels, height, width, filterHeight, filterWidth, flip } = kernel;
  const outHeight = height - filterHeight + 1;
  const outWidth = width - filterWidth + 1;
  const planes = batch * channels;
  if (planes === 0 || outHeight <= 0 || outWidth <= 0) return [];
  const layout = chooseSpec(kernel, lanes);
  const xFirst = <T>(x: T, y: T): [T, T] => layout.along === "x" ? [x, y] : [y, x];
  const [tapsAlong, tapsAcross] = xFirst(filterWidth, filterHeight);
  const [runX, runY] = xFirst(layout.run, layout.lines);
  const sign = flip ? -1 : 1;
  return loopRanges(tapsAcross + layout.lines - 1, Math.ceil(tapsAlong / TAPS) + 1 + 1 / BAND).map(
    (range) => {
      const spec: CorrelateSpec = { ...layout, accumulate: range[0] > 0 };
      const program: Program = {
        key: `correlate ${Object.values(spec).join(" ")}`,
        bindings: "rrw",
        source: () => correlateSource(spec),
      };
      const params = new Params().int(
        planes,
        channels,
        kernel.filterBatch,
        kernel.filterChannels,
        ...xFirst(width, height),
        ...xFirst(1, width),
        ...xFirst(outWidth, outHeight),
        ...xFirst(1, outWidth),
        tapsAlong,
        tapsAcross,
        ...xFirst(sign, sign * filterWidth),
        flip ? filterHeight * filterWidth - 1 : 0,
        kernel.filterBatch * kernel.filterChannels * filterHeight * filterWidth - 1,
        ...range,
      );
      const lanesX = layout.lanes || 64;
      return {
        program,
        resources: [...inputs, output],
        params,
        workgroups: [groups(outWidth, lanesX * runX), groups(outHeight, runY), groups(planes, 1)],
      };
    },
  );
}
