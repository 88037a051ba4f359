import type { SmoothPlan } from "../../fft/plan.ts";
import { MAX_WORKGROUPS } from "../dispatch.ts";
import { butterfly, type FftEnds, fftHead } from "./fft_wgsl.ts";
import { repeat } from "./wgsl.ts";

/** Values that fit into the workgroup memory that every WebGPU device has, 16 KiB. */
const MAX_VALUES = 2048;
/** Invocations that every WebGPU device allows in a workgroup. */
const MAX_INVOCATIONS = 256;

/** A shader for whole lines. */
export interface FftLinesSpec extends FftEnds {
  /** The transform; {@link fitsWorkgroup}. */
  readonly plan: SmoothPlan;
  /** Invocations per line. */
  readonly invocations: number;
  /** Lines per workgroup. */
  readonly lines: number;
  /** Whether every workgroup has that many. */
  readonly exact: boolean;
}

/** Whether a workgroup can hold a line. */
export function fitsWorkgroup(plan: SmoothPlan): boolean {
  return plan.length <= MAX_VALUES;
}

/**
 * Shares lines among workgroups. An invocation takes a butterfly of the largest radix at a time; where lines are side by
 * side a workgroup takes several, so that neighbours load neighbours.
 */
export function shareLines(
  plan: SmoothPlan,
  lineCount: number,
  ends: FftEnds,
): FftLinesSpec {
  const butterflies = plan.length / (plan.stages[0]?.radix ?? 1);
  const invocations = Math.ceil(butterflies / Math.ceil(butterflies / MAX_INVOCATIONS));
  const wanted = ends.strided ? 16 : Math.ceil(64 / invocations);
  const lines = Math.max(
    1,
    Math.min(wanted, Math.floor(MAX_INVOCATIONS / invocations), Math.floor(MAX_VALUES / plan.length)),
  );
  const exact = lineCount % lines === 0 && lineCount / lines <= MAX_WORKGROUPS;
  return { ...ends, plan, invocations, lines, exact };
}

/**
 * The WGSL text: every line passes through all stages in workgroup memory. A stage reads all values of a line before it
 * writes one, so one copy of the line is enough. There is no loop over lines, because barriers inside a loop more than
 * double the time on Mesa's lavapipe.
 */
export function fftLinesSource(spec: FftLinesSpec): string {
  const { plan, strided, invocations, lines, exact } = spec;
  const stages = plan.stages.length > 0 ? plan.stages : [{ radix: 1, span: 1 }];
  const last = stages.length - 1;
  const barrier = "workgroupBarrier();";
  const body = stages.map(({ radix, span }, s) => {
    const step = plan.length / radix;
    const turns = Math.ceil(step / invocations);
    const even = step % invocations === 0;
    const name = (turn: number, what: string | number) => `s${s}t${turn}_${what}`;
    const read = repeat(turns, (turn) => {
      const [j, k] = [name(turn, "j"), name(turn, "k")];
      const index = `t + ${turn * invocations}u`;
      return `let ${j} = ${even ? index : `min(${index}, ${step - 1}u)`};
let ${k} = ${j} % ${span}u;
${span > 1 ? `let ${name(turn, "w")} = factors[${k} * ${plan.length / (radix * span)}u];` : ""}
` + repeat(radix, (i) => {
        const at = `${j} + ${i * step}u`;
        return `let ${name(turn, i)} = ${s === 0 ? `load(source, ${at})` : `values[slot + ${at}]`};`;
      });
    });
    const write = repeat(turns, (turn) => {
      const names = Array.from({ length: radix }, (_, i) => name(turn, i));
      const { code, results } = butterfly(names, span > 1 ? name(turn, "w") : undefined, name(turn, "v"));
      const [j, k, d] = [name(turn, "j"), name(turn, "k"), name(turn, "d")];
      const stores = results.map((result, i) => {
        const at = `${d} + ${i * span}u`;
        return s === last ? `store(destination, ${at}, ${result});` : `values[slot + ${at}] = ${result};`;
      }).join("\n");
      const conditions = [
        ...(even ? [] : [`t + ${turn * invocations}u < ${step}u`]),
        ...(s === last && !exact ? ["line < p.lines"] : []),
      ];
      const stored = `let ${d} = (${j} - ${k}) * ${radix}u + ${k};\n${stores}`;
      return `${code}\n${conditions.length > 0 ? `if (${conditions.join(" && ")}) {\n${stored}\n}` : stored}`;
    });
    const between = s > 0 ? barrier : "";
    return `${between}\n${read}\n${s > 0 ? barrier : ""}\n${write}`;
  }).join("\n");
  const [t, own] = strided
    ? [`lane / ${lines}u`, `lane % ${lines}u`]
    : [`lane % ${invocations}u`, `lane / ${invocations}u`];
  return fftHead(spec) + `
${last > 0 ? `var<workgroup> values: array<vec2f, ${plan.length * lines}>;` : ""}
@compute @workgroup_size(${invocations * lines})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lane: u32) {
  let t = ${t};
  let own = ${own};
  let slot = own * ${plan.length}u;
  let line = (group.y * count.x + group.x) * ${lines}u + own;
  let present = ${exact ? "line" : "min(line, p.lines - 1u)"};
  let source = lineStart(present, p.lengthIn, p.outerIn);
  let destination = lineStart(present, p.lengthOut, p.outerOut);
${body}
}
`;
}
