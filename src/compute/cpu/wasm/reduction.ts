import type { ReduceKernel } from "../../kernel.ts";
import {
  add,
  and,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  type Local,
  repeatMaybe,
} from "./emitter.ts";
import { load, loadSplat, shuffle, simd, splat, unpack, zero } from "./simd.ts";
import { add64, loadHalf, multiply64, storeHalf } from "./simd64.ts";

/** A {@link reduction} module. */
export interface ReductionSpec {
  /** What is computed of every row. */
  readonly fn: ReduceKernel["fn"];
}

/** Accumulators of sums, two values wide, and of extrema, four values wide. */
const ACCUMULATORS = { sum: 4, extremum: 2 };
/** f32x4.max and f32x4.min keep NaN, and -0 < 0. */
const EXTREMA = { max: { opcode: 0xe9, start: -Infinity }, min: { opcode: 0xe8, start: Infinity } };

/** Two float64 from two float32 in memory, or one and 0. */
const loadTwo = (address: Code, offset: number): Code => unpack(loadHalf(address, offset));
const loadOne = (address: Code): Code => unpack([simd(0x5c, address), 2, 0]);

/**
 * The module of `reduce(a, b, out, rows, count, rowBytes)`: for each of `rows` rows of `count` float32 values one float64
 * at `out`, row after row. Sums are taken in float64, in the order of eight columns side by side.
 */
export function reduction({ fn }: ReductionSpec): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("reduce", 6);
  const [a, b, out, rows, count, rowBytes] = f.parameters;
  const [row, counter, left, right] = f.i32s(4);
  const isExtremum = fn === "max" || fn === "min";
  const sums = f.v128s(isExtremum ? ACCUMULATORS.extremum : ACCUMULATORS.sum);
  const value = f.v128();
  const inputs = fn === "dot" ? [left, right] : [left];
  const advance = (bytes: number): Code => inputs.map((input) => input.increase(i32(bytes)));
  const { width, start, whole, single, finish } = isExtremum
    ? extremum(EXTREMA[fn], left, sums)
    : sum(fn, left, right, sums, value);
  f.emit(repeatMaybe(row, rows.get, [
    left.set(a.get),
    fn === "dot" ? right.set(b.get) : [],
    sums.map((sum) => sum.set(start)),
    repeatMaybe(counter, divide(count.get, i32(width)), [whole, advance(4 * width)]),
    repeatMaybe(counter, and(count.get, i32(width - 1)), [single, advance(4)]),
    finish,
    storeHalf(out.get, sums[0].get),
    out.increase(i32(8)),
    a.set(add(a.get, rowBytes.get)),
    b.set(add(b.get, rowBytes.get)),
  ]));
  return assemble([f]);
}

/** The parts of a loop: `whole` takes `width` values, `single` one; `finish` leaves a float64 in the first sum. */
interface Loop {
  readonly width: number;
  readonly start: Code;
  readonly whole: Code;
  readonly single: Code;
  readonly finish: Code;
}

function sum(fn: "sum" | "sumSquares" | "dot", a: Local, b: Local, sums: Local[], value: Local): Loop {
  const term = (read: (address: Code) => Code): Code => {
    if (fn === "sum") return read(a.get);
    if (fn === "dot") return multiply64(read(a.get), read(b.get));
    return [value.set(read(a.get)), multiply64(value.get, value.get)];
  };
  const [first, second, third, fourth] = sums;
  return {
    width: 2 * ACCUMULATORS.sum,
    start: zero,
    whole: sums.map((sum, i) => sum.set(add64(sum.get, term((address) => loadTwo(address, 8 * i))))),
    single: first.set(add64(first.get, term(loadOne))),
    finish: [
      first.set(add64(add64(first.get, second.get), add64(third.get, fourth.get))),
      first.set(add64(first.get, shuffle(first.get, first.get, [2, 3, 0, 1]))),
    ],
  };
}

function extremum({ opcode, start }: { opcode: number; start: number }, a: Local, sums: Local[]): Loop {
  const better = (x: Code, y: Code): Code => simd(opcode, x, y);
  const [first, ...others] = sums;
  return {
    width: 4 * ACCUMULATORS.extremum,
    start: splat(start),
    whole: sums.map((sum, i) => sum.set(better(sum.get, load(a.get, 16 * i)))),
    single: first.set(better(first.get, loadSplat(a.get))),
    finish: [
      others.map((other) => first.set(better(first.get, other.get))),
      first.set(better(first.get, shuffle(first.get, first.get, [2, 3, 0, 1]))),
      first.set(better(first.get, shuffle(first.get, first.get, [1, 0, 3, 2]))),
      first.set(unpack(first.get)),
    ],
  };
}
