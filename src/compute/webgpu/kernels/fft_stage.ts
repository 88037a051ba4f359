import type { Stage } from "../../fft/plan.ts";
import { butterfly, type FftEnds, fftHead } from "./fft_wgsl.ts";
import { repeat } from "./wgsl.ts";

/** A shader for one stage of lines that are too long for workgroup memory. */
export interface FftStageSpec extends FftEnds {
  /** Values per butterfly. */
  readonly radix: number;
  /** Whether the span is greater than 1. */
  readonly rotated: boolean;
}

/** The parameters of a stage, behind the common ones: its butterflies per line, span, and radix span / M inverted. */
export const FFT_STAGE_PARAMS = ["step: u32", "span: u32", "rootStep: u32"] as const;

/** Invocations of a workgroup. */
export const FFT_STAGE_INVOCATIONS = 64;

/** Values of {@link FFT_STAGE_PARAMS} for a transform of `length` values. */
export function stageParams({ radix, span }: Stage, length: number): number[] {
  return [length / radix, span, length / (radix * span)];
}

/** The WGSL text: one butterfly an invocation, from one array to another. */
export function fftStageSource(spec: FftStageSpec): string {
  const { radix, rotated, strided } = spec;
  const names = Array.from({ length: radix }, (_, i) => `a${i}`);
  const { code, results } = butterfly(names, rotated ? "w" : undefined, "v");
  const [line, j] = strided
    ? ["i / (p.inner * p.step) * p.inner + i % p.inner", "i / p.inner % p.step"]
    : ["i / p.step", "i % p.step"];
  return fftHead(spec, FFT_STAGE_PARAMS) + `
@compute @workgroup_size(${FFT_STAGE_INVOCATIONS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = id.y * count.x * ${FFT_STAGE_INVOCATIONS}u + id.x;
  if (i < p.lines * p.step) {
    let line = ${line};
    let j = ${j};
    let source = lineStart(line, p.lengthIn, p.outerIn);
    let destination = lineStart(line, p.lengthOut, p.outerOut);
    let k = j % p.span;
    ${rotated ? "let w = factors[k * p.rootStep];" : ""}
    ${repeat(radix, (i) => `let a${i} = load(source, j + ${i}u * p.step);`)}
    ${code}
    let to = (j - k) * ${radix}u + k;
    ${results.map((result, i) => `store(destination, to + ${i}u * p.span, ${result});`).join("\n")}
  }
}
`;
}
