import type { MapFunction, MapKernel } from "../../kernel.ts";

/** f(a, b, c, s, t): inputs a, b, c as far as the function has them, scalars s and t. */
type Scalar = (a: number, b: number, c: number, s: number, t: number) => number;

const FUNCTIONS = {
  fill: (_a, _b, _c, s) => s,
  copy: (a) => a,
  neg: (a) => -a,
  abs: (a) => Math.abs(a),
  square: (a) => a * a,
  sqrt: (a) => Math.sqrt(a),
  exp: (a) => Math.exp(a),
  log: (a) => Math.log(a),
  sin: (a) => Math.sin(a),
  cos: (a) => Math.cos(a),
  sign: (a) => Math.sign(a),
  relu: (a) => (a < 0 ? 0 : a),
  affine: (a, _b, _c, s, t) => s * a + t,
  reciprocal: (a, _b, _c, s) => s / a,
  power: (a, _b, _c, s) => Math.pow(a, s),
  clamp: (a, _b, _c, s, t) => (a < s ? s : a > t ? t : a),
  nonFinite: (a) => (Number.isFinite(a) ? 0 : 1),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  axpy: (a, b, _c, s) => a + s * b,
  greater: (a, b) => (a > b ? 1 : 0),
  greaterEqual: (a, b) => (a >= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  where: (a, b, c) => (a !== 0 ? b : c),
} satisfies Record<MapFunction, Scalar>;

/** One operand of an inner loop: where it is, where to start, and how far apart its values are. */
interface Walk {
  data: Float32Array;
  at: number;
  step: number;
}

type Loop = (count: number, out: Walk, a: Walk, b: Walk, c: Walk, s: number, t: number) => void;

/** One loop per function, so that the engine compiles and inlines each separately. */
function loopOf(f: Scalar): Loop {
  return (count, out, a, b, c, s, t) => {
    const { data: o, step: so } = out,
      { data: x, step: sx } = a,
      { data: y, step: sy } = b,
      { data: z, step: sz } = c;
    let io = out.at, ix = a.at, iy = b.at, iz = c.at;
    for (let i = 0; i < count; i++) {
      o[io] = f(x[ix], y[iy], z[iz], s, t);
      io += so, ix += sx, iy += sy, iz += sz;
    }
  };
}

const LOOPS = Object.fromEntries(
  Object.entries(FUNCTIONS).map(([name, f]) => [name, loopOf(f as Scalar)]),
) as Record<MapFunction, Loop>;

const NOTHING = new Float32Array(1);

/** Elementwise kernels: an odometer over the outer dimensions around one strided inner loop. */
export function map(kernel: MapKernel, inputs: readonly Float32Array[], output: Float32Array): void {
  if (kernel.shape.some((extent) => extent === 0)) return;
  const views = [kernel.output, ...kernel.inputs];
  const { shape, strides } = collapse(kernel.shape, views.map((view) => view.strides));
  const rank = shape.length;
  const inner = rank - 1;
  const walks = views.map((view, k): Walk => ({
    data: k === 0 ? output : inputs[k - 1],
    at: view.offset,
    step: strides[k][inner],
  }));
  while (walks.length < 4) walks.push({ data: NOTHING, at: 0, step: 0 });
  const [out, a, b, c] = walks;
  const [s, t] = kernel.scalars;
  const count = shape[inner];
  const plainCopy = kernel.fn === "copy" && out.step === 1 && a.step === 1;
  const loop = LOOPS[kernel.fn];
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
export function collapse(
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
