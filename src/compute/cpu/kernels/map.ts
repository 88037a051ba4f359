import type { MapFunction, MapKernel } from "../../kernel.ts";

/** Every function as a JavaScript expression of its inputs a, b, c (as far as it has them) and its scalars s, t. */
const EXPRESSIONS: Record<MapFunction, string> = {
  fill: "s",
  copy: "a",
  neg: "-a",
  abs: "Math.abs(a)",
  square: "a * a",
  sqrt: "Math.sqrt(a)",
  exp: "Math.exp(a)",
  log: "Math.log(a)",
  sin: "Math.sin(a)",
  cos: "Math.cos(a)",
  sign: "Math.sign(a)",
  relu: "a < 0 ? 0 : a",
  affine: "s * a + t",
  reciprocal: "s / a",
  power: "Math.pow(a, s)",
  clamp: "a < s ? s : a > t ? t : a",
  nonFinite: "a - a === 0 ? 0 : 1",
  add: "a + b",
  sub: "a - b",
  mul: "a * b",
  div: "a / b",
  minimum: "Math.min(a, b)",
  maximum: "Math.max(a, b)",
  axpy: "a + s * b",
  greater: "a > b ? 1 : 0",
  greaterEqual: "a >= b ? 1 : 0",
  equal: "a === b ? 1 : 0",
  where: "a !== 0 ? b : c",
};

/** One operand of an inner loop: where it is, where to start, and how far apart its values are. */
interface Walk {
  data: Float32Array;
  at: number;
  step: number;
}

type Loop = (count: number, out: Walk, a: Walk, b: Walk, c: Walk, s: number, t: number) => void;

const loops = new Map<MapFunction, Loop>();

/**
 * The inner loop of a function. Each is compiled from text of its own: loops that share one body, calling the function,
 * run six times slower, because the engine inlines a call only where it sees few targets.
 */
function loopOf(fn: MapFunction): Loop {
  let loop = loops.get(fn);
  if (!loop) {
    const inputs = ["a", "b", "c"].filter((name) => new RegExp(`\\b${name}\\b`).test(EXPRESSIONS[fn]));
    const all = ["out", ...inputs];
    const body = [
      ...all.map((name) => `const ${name}Data = ${name}Walk.data, ${name}Step = ${name}Walk.step;`),
      ...all.map((name) => `let ${name}At = ${name}Walk.at;`),
      "for (let i = 0; i < count; i++) {",
      ...inputs.map((name) => `const ${name} = ${name}Data[${name}At]; ${name}At += ${name}Step;`),
      `outData[outAt] = ${EXPRESSIONS[fn]}; outAt += outStep;`,
      "}",
    ].join("\n");
    loop = new Function("count", "outWalk", "aWalk", "bWalk", "cWalk", "s", "t", body) as Loop;
    loops.set(fn, loop);
  }
  return loop;
}

const NOTHING: Walk = { data: new Float32Array(1), at: 0, step: 0 };

/** Elementwise kernels: an odometer over the outer dimensions around one strided inner loop. */
export function map(kernel: MapKernel, inputs: readonly Float32Array[], output: Float32Array): void {
  if (kernel.shape.some((extent) => extent === 0)) return;
  const views = [kernel.output, ...kernel.inputs];
  const { shape, strides } = collapse(kernel.shape, views.map((view) => view.strides));
  const inner = shape.length - 1;
  const walks = views.map((view, k): Walk => ({
    data: k === 0 ? output : inputs[k - 1],
    at: view.offset,
    step: strides[k][inner],
  }));
  const [out, a = NOTHING, b = NOTHING, c = NOTHING] = walks;
  const s = Math.fround(kernel.scalars[0]), t = Math.fround(kernel.scalars[1]);
  const count = shape[inner];
  const plainCopy = kernel.fn === "copy" && out.step === 1 && a.step === 1;
  const loop = loopOf(kernel.fn);
  const index = new Array<number>(inner).fill(0);
  for (;;) {
    if (plainCopy) out.data.set(a.data.subarray(a.at, a.at + count), out.at);
    else loop(count, out, a, b, c, s, t);
    let d = inner - 1;
    for (; d >= 0; d--) {
      index[d]++;
      for (let k = 0; k < views.length; k++) walks[k].at += strides[k][d];
      if (index[d] < shape[d]) break;
      for (let k = 0; k < views.length; k++) walks[k].at -= shape[d] * strides[k][d];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

/** Merges neighbouring dimensions that every view walks as one; the result has at least one dimension. */
function collapse(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
): { shape: number[]; strides: number[][] } {
  const outShape: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = outShape.length - 1;
    const mergeable = last >= 0 && strides.every((s, k) => outStrides[k][last] === s[d] * shape[d]);
    if (mergeable) {
      outShape[last] *= shape[d];
      strides.forEach((s, k) => outStrides[k][last] = s[d]);
    } else {
      outShape.push(shape[d]);
      strides.forEach((s, k) => outStrides[k].push(s[d]));
    }
  }
  if (outShape.length === 0) {
    outShape.push(1);
    outStrides.forEach((s) => s.push(0));
  }
  return { shape: outShape, strides: outStrides };
}
