import { type Algebra, type Complex, dft } from "../../fft/butterfly.ts";
import { paramsStruct, storageBuffer } from "./wgsl.ts";

/** Where values come from and go to, and what happens to them on the way; c, S: the factors of Bluestein's algorithm. */
export interface FftEnds {
  /** `chirp`: times c, and zeros behind the signal's end. */
  readonly load: "plain" | "chirp";
  /** `scaled`: times the factor of the kernel; `spectrum`: conj(value) S; `chirp`: conj(value) c, scaled and cut off. */
  readonly store: "scaled" | "spectrum" | "chirp";
  /** Whether index 0 lies elsewhere than at the start. */
  readonly shifted: boolean;
  /** Whether neighbouring lines, rather than neighbours on a line, are side by side in memory. */
  readonly strided: boolean;
  /** Whether the input or the output has real and imaginary parts in turn. */
  readonly interleaved: boolean;
}

/** The members of the uniform parameters that all FFT shaders share, in order. */
export const FFT_PARAMS = [
  "lines: u32",
  "outerIn: u32",
  "outerOut: u32",
  "stepIn: u32",
  "stepOut: u32",
  "inner: u32",
  "lengthIn: u32",
  "lengthOut: u32",
  "originIn: u32",
  "originOut: u32",
  "inRe: u32",
  "inIm: u32",
  "outRe: u32",
  "outIm: u32",
  "chirpAt: u32",
  "spectrumAt: u32",
  "scale: f32",
] as const;

/**
 * Bindings and functions of every FFT shader. `load(line, n)` and `store(line, k, value)` reach value n of a line of
 * arrays (batch, 2, outer, length, inner), lines counted in the order of their first values; `lineStart` is the first
 * place of a line; `roots` begins with exp(-2 pi i k / M), k < M.
 *
 * @param members further parameters
 */
export function fftHead(
  { load, store, shifted, strided, interleaved }: FftEnds,
  members: readonly string[] = [],
): string {
  const step = (side: string) => strided || interleaved ? ` * p.step${side}` : "";
  const place = (n: string, side: string) => shifted ? `place(${n}, p.origin${side}, p.length${side})` : n;
  const value = `let at = start + ${place("n", "In")}${step("In")};
  let value = vec2f(x[at + p.inRe], x[at + p.inIm]);`;
  const loadBody = load === "plain"
    ? `${value}
  return value;`
    : `if (n >= p.lengthIn) { return vec2f(0.0); }
  ${value}
  return times(value, factors[p.chirpAt + n]);`;
  const factor = store === "chirp" ? "p.chirpAt" : "p.spectrumAt";
  const stored = store === "scaled" ? "value" : `times(vec2f(value.x, -value.y), factors[${factor} + k])`;
  return storageBuffer(0, "x", "f32") + storageBuffer(1, "factors", "vec2f") +
    storageBuffer(2, "y", "f32", "read_write") + paramsStruct(3, [...FFT_PARAMS, ...members]) + `
fn times(a: vec2f, b: vec2f) -> vec2f { return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
fn place(n: u32, origin: u32, length: u32) -> u32 {
  let i = n + origin;
  return select(i, i - length, i >= length);
}
fn lineStart(line: u32, length: u32, outer: u32) -> u32 {
  let block = ${strided ? "line / p.inner" : "line"};
  return (block + block / outer * outer) * length${strided ? " * p.inner + line % p.inner" : ""};
}
fn load(start: u32, n: u32) -> vec2f {
  ${loadBody}
}
fn store(start: u32, k: u32, value: vec2f) {
  ${store === "chirp" ? "if (k >= p.lengthOut) { return; }" : ""}
  let result = ${stored}${store === "spectrum" ? "" : " * p.scale"};
  let at = start + ${place("k", "Out")}${step("Out")};
  y[at + p.outRe] = result.x;
  y[at + p.outIm] = result.y;
}
`;
}

/**
 * One butterfly: multiplies the vec2f variables `names` (all but the first) by the powers of `root`, transforms them,
 * and appends the results' expressions.
 */
export function butterfly(
  names: readonly string[],
  root: string | undefined,
  prefix: string,
): { code: string; results: string[] } {
  const lines: string[] = [];
  let count = 0;
  const define = (expression: string): string => {
    const name = `${prefix}_${count++}`;
    lines.push(`let ${name} = ${expression};`);
    return name;
  };
  const power = powers(root, define);
  const inputs = names.map((name, i): Complex<string> => {
    const value = root && i > 0 ? define(`times(${name}, ${power(i)})`) : name;
    return { re: `${value}.x`, im: `${value}.y` };
  });
  const algebra: Algebra<string> = {
    add: (a, b) => define(`${a} + ${b}`),
    sub: (a, b) => define(`${a} - ${b}`),
    scale: (a, by) => define(`${a} * ${literal(by)}`),
    addScaled: (c, a, by) => define(`${c} + ${a} * ${literal(by)}`),
  };
  const results = dft(algebra, inputs).map(({ re, im }) => `vec2f(${re}, ${im})`);
  return { code: lines.join("\n"), results };
}

/** root^i through as few products in a row as there are: rounding errors stay small. */
function powers(root: string | undefined, define: (expression: string) => string): (i: number) => string {
  const known = new Map<number, string>();
  if (root) known.set(1, root);
  const power = (i: number): string => {
    let name = known.get(i);
    if (!name) {
      const half = Math.ceil(i / 2);
      name = define(`times(${power(half)}, ${power(i - half)})`);
      known.set(i, name);
    }
    return name;
  };
  return power;
}

function literal(value: number): string {
  const digits = value.toPrecision(9);
  return value < 0 ? `(${digits})` : digits;
}
