import { MAP_FUNCTIONS, type MapFunction } from "../../map_functions.ts";
import {
  add,
  and,
  assemble,
  call,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  type ImportedFunction,
  indices,
  type Local,
  multiply,
  repeatMaybe,
} from "./emitter.ts";
import { type Arithmetic, load, loadLane, loadSplat, simd, splat, store, storeLane, zero } from "./simd.ts";

/** How the values of an operand lie along a row: side by side, one for all, or some distance apart. */
export type Access = "unit" | "same" | "strided";

/** An {@link elementwise} module. */
export interface ElementwiseSpec {
  /** The function. */
  readonly fn: MapFunction;
  /** The output's access, then the inputs'. */
  readonly access: readonly Access[];
}

/** Vectors per turn of the main loop. */
const UNROLL = 4;

/** What an expression may use: its inputs, the scalars and the function of each lane that is imported. */
interface Operands {
  readonly a: Code;
  readonly b: Code;
  readonly c: Code;
  readonly s: Code;
  readonly t: Code;
  /** The imported function of every lane of a, and of s where it has two parameters. */
  readonly lanes: () => Code;
  readonly math: Arithmetic;
}

const one = splat(1);
const abs = (a: Code): Code => simd(0xe0, a);
const equal = (a: Code, b: Code): Code => simd(0x41, a, b);
const greater = (a: Code, b: Code): Code => simd(0x44, a, b);
/** 1 where the mask is set, else 0. */
const flag = (mask: Code): Code => simd(0x4e, mask, one);
/** a where the mask is set, else b. */
const select = (mask: Code, a: Code, b: Code): Code => simd(0x52, a, b, mask);
/** b where a < b, else a. */
const atLeast = (a: Code, b: Code): Code => simd(0xeb, a, b);
/** b where b < a, else a. */
const atMost = (a: Code, b: Code): Code => simd(0xea, a, b);

const EXPRESSIONS: Record<MapFunction, (operands: Operands) => Code> = {
  fill: ({ s }) => s,
  copy: ({ a }) => a,
  neg: ({ a }) => simd(0xe1, a),
  abs: ({ a }) => abs(a),
  square: ({ a }) => simd(0xe6, a, a),
  sqrt: ({ a }) => simd(0xe3, a),
  exp: ({ lanes }) => lanes(),
  log: ({ lanes }) => lanes(),
  sin: ({ lanes }) => lanes(),
  cos: ({ lanes }) => lanes(),
  // 1 with the sign of a, where a lies above or below 0; else a itself, which is a zero or NaN
  sign: ({ a }) => select(greater(abs(a), zero), select(splat(-0), a, one), a),
  relu: ({ a }) => atLeast(a, zero),
  affine: ({ a, s, t, math }) => math.madd(s, a, t),
  reciprocal: ({ a, s }) => simd(0xe7, s, a),
  power: ({ lanes }) => lanes(),
  clamp: ({ a, s, t }) => atMost(atLeast(a, s), t),
  // a - a is 0 for finite values and NaN for all others
  nonFinite: ({ a }) => flag(simd(0x42, simd(0xe5, a, a), zero)),
  add: ({ a, b }) => simd(0xe4, a, b),
  sub: ({ a, b }) => simd(0xe5, a, b),
  mul: ({ a, b }) => simd(0xe6, a, b),
  div: ({ a, b }) => simd(0xe7, a, b),
  minimum: ({ a, b }) => simd(0xe8, a, b),
  maximum: ({ a, b }) => simd(0xe9, a, b),
  axpy: ({ a, b, s, math }) => math.madd(s, b, a),
  greater: ({ a, b }) => flag(greater(a, b)),
  greaterEqual: ({ a, b }) => flag(simd(0x46, a, b)),
  equal: ({ a, b }) => flag(equal(a, b)),
  where: ({ a, b, c }) => select(equal(a, zero), c, b),
};

/** What the functions that no vector instruction computes import. */
const IMPORTS: Partial<Record<MapFunction, ImportedFunction>> = {
  exp: { name: "exp", parameters: 1 },
  log: { name: "log", parameters: 1 },
  sin: { name: "sin", parameters: 1 },
  cos: { name: "cos", parameters: 1 },
  power: { name: "pow", parameters: 2 },
};

/** Whether a function is computed lane by lane, which takes ten times as long as the others. */
export function isSlow(fn: MapFunction): boolean {
  return IMPORTS[fn] !== undefined;
}

/** An operand: where it is, and its distances in bytes. */
interface Operand {
  readonly access: Access;
  readonly at: Local;
  readonly row: Local;
  readonly step: Local;
  readonly start: Local;
  readonly value: Local;
}

/**
 * The module of `map(rows, count, s, t, out, outRow, outStep, a, aRow, aStep, ...)`: `count` values in each of `rows`
 * rows. Rows and values of an operand lie `row` and `step` bytes apart; s and t are the bits of float32 values. Whole
 * vectors and the up to three values behind them are computed by the same instructions, so that a value does not depend
 * on where it lies.
 */
export function elementwise(spec: ElementwiseSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const { fn, access } = spec;
  const imported = IMPORTS[fn];
  const f = new FunctionBuilder("map", 4 + 3 * access.length);
  const [rows, count, sBits, tBits] = f.parameters;
  const [row, counter] = f.i32s(2);
  const [s, t] = f.v128s(2);
  const operands = access.map((access, k): Operand => {
    const [start, row, step] = f.parameters.slice(4 + 3 * k);
    return { access, start, row, step, at: f.i32(), value: f.v128() };
  });
  const [out, ...inputs] = operands;
  const bits = (scalar: Local): Code => simd(0x13, [scalar.get, 0xbe]);

  const evaluate = (lanes: number): Code => {
    const [a = s, b = a, c = b] = inputs.map(({ value }) => value);
    const result = { a: a.get, b: b.get, c: c.get, s: s.get, t: t.get, math };
    return EXPRESSIONS[fn]({
      ...result,
      lanes: () => eachLane(a, lanes, (value) => call(0, value, imported!.parameters > 1 ? lane(s, 0) : [])),
    });
  };
  const vector = (k: number): Code => [
    inputs.map((input) => input.access === "same" ? [] : input.value.set(fourOf(input, 16 * k))),
    out.access === "unit"
      ? store(out.at.get, evaluate(4), 16 * k)
      : [out.value.set(evaluate(4)), indices(4).map((i) => storeLane(place(out, i), out.value.get, i))],
  ];
  const advance = (values: number): Code =>
    operands.map(({ access, at, step }) =>
      access === "same"
        ? []
        : at.increase(access === "unit" ? i32(4 * values) : multiply(step.get, i32(values)))
    );
  const single: Code = [
    inputs.map(({ access, at, value }) => access === "same" ? [] : value.set(loadSplat(at.get))),
    storeLane(out.at.get, evaluate(1), 0),
    advance(1),
  ];
  const unroll = operands.some(({ access }) => access === "strided") || imported ? 1 : UNROLL;

  f.emit(
    s.set(bits(sBits)),
    t.set(bits(tBits)),
    repeatMaybe(row, rows.get, [
      operands.map(({ start, at }) => at.set(start.get)),
      inputs.map(({ access, at, value }) => access === "same" ? value.set(loadSplat(at.get)) : []),
      repeatMaybe(counter, divide(count.get, i32(4 * unroll)), [
        indices(unroll).map(vector),
        advance(4 * unroll),
      ]),
      unroll > 1
        ? repeatMaybe(counter, and(divide(count.get, i32(4)), i32(unroll - 1)), [vector(0), advance(4)])
        : [],
      repeatMaybe(counter, and(count.get, i32(3)), single),
      operands.map(({ start, row }) => start.increase(row.get)),
    ]),
  );
  return assemble([f], {}, imported ? [imported] : []);
}

const ACCESSES: readonly Access[] = ["unit", "strided", "same"];

/** The specs of all modules, frozen: found by function and access. */
export const ELEMENTWISE: Readonly<Record<MapFunction, readonly ElementwiseSpec[]>> = Object.freeze(
  Object.fromEntries(
    (Object.keys(MAP_FUNCTIONS) as MapFunction[]).map((fn) => [
      fn,
      indices(2 * 3 ** MAP_FUNCTIONS[fn]).map((code) => specOf(fn, code)),
    ]),
  ) as Record<MapFunction, ElementwiseSpec[]>,
);

/** The spec with number `code`: the output's access in the lowest digit, of base 2, then the inputs', of base 3. */
function specOf(fn: MapFunction, code: number): ElementwiseSpec {
  const access = [ACCESSES[code & 1]];
  for (let k = 0, rest = code >> 1; k < MAP_FUNCTIONS[fn]; k++, rest = Math.floor(rest / 3)) {
    access.push(ACCESSES[rest % 3]);
  }
  return Object.freeze({ fn, access });
}

function place({ at, step }: Operand, index: number): Code {
  return index === 0 ? at.get : add(at.get, multiply(step.get, i32(index)));
}

/** Four values of an input. */
function fourOf(input: Operand, offset: number): Code {
  if (input.access === "unit") return load(input.at.get, offset);
  const rest = [1, 2, 3];
  return rest.reduce<Code>((sum, i) => loadLane(place(input, i), sum, i), loadSplat(input.at.get));
}

/** A lane as f64. */
function lane(vector: Local, index: number): Code {
  return [simd(0x1f, vector.get), index, 0xbb];
}

/** The first `lanes` lanes of `vector` through a function of f64. */
function eachLane(vector: Local, lanes: number, apply: (value: Code) => Code): Code {
  return indices(lanes).reduce<Code>(
    (into, i) => [simd(0x20, into, [apply(lane(vector, i)), 0xb6]), i],
    vector.get,
  );
}
