/**
 * Reduction of float16 arrays in WebAssembly, 8 elements at a time. There are no instructions for halves: for sums and
 * products they are widened to float32, combined, and rounded to the nearest half, ties to even, after each step.
 *
 * That gives the bits of exact arithmetic rounded once: products of two halves are exact in float32, and a sum that is
 * rounded to 24 >= 2 * 11 + 2 bits first is the same half in the end (Figueroa, "When is double rounding innocuous?", 1995).
 */

import {
  add,
  assemble,
  choose,
  type Code,
  FunctionBuilder,
  i32,
  type Local,
  multiply,
  repeatMaybe,
  unsigned,
} from "../../util/wasm_emitter.ts";

const simd = (opcode: number, ...operands: Code[]): Code => [operands, 0xfd, unsigned(opcode)];
const constant = (value: number): Code => {
  const bytes = [value, value >>> 8, value >>> 16, value >>> 24].map((byte) => byte & 255);
  return [0xfd, 0x0c, bytes, bytes, bytes, bytes];
};
const load = (address: Local): Code => [simd(0x00, address.get), 0, 0];
const store = (address: Local, value: Code): Code => [simd(0x0b, address.get, value), 0, 0];
const both = (a: Code, b: Code): Code => simd(0x4e, a, b);
const either = (a: Code, b: Code): Code => simd(0x50, a, b);
const differ = (a: Code, b: Code): Code => simd(0x51, a, b);
/** Bits of `a` where those of `mask` are set, of `b` elsewhere. */
const select = (a: Code, b: Code, mask: Code): Code => simd(0x52, a, b, mask);
const isLess = (a: Code, b: Code): Code => simd(0x39, a, b);
const isGreater = (a: Code, b: Code): Code => simd(0x3b, a, b);
const left = (a: Code, bits: number): Code => simd(0xab, a, i32(bits));
const right = (a: Code, bits: number): Code => simd(0xad, a, i32(bits));
const smaller = (a: Code, b: Code): Code => simd(0xb6, a, b);
const equal16 = (a: Code, b: Code): Code => simd(0x2d, a, b);
const isGreater16 = (a: Code, b: Code): Code => simd(0x31, a, b);
const plus = (a: Code, b: Code): Code => simd(0xae, a, b);
const minus = (a: Code, b: Code): Code => simd(0xb1, a, b);
const addFloats = (a: Code, b: Code): Code => simd(0xe4, a, b);
const multiplyFloats = (a: Code, b: Code): Code => simd(0xe6, a, b);
/** Two vectors of four 32-bit numbers below 2^16 as one of eight 16-bit numbers. */
const narrow = (low: Code, high: Code): Code => simd(0x86, low, high);

const SIGN = 0x8000_0000 | 0;
const INFINITY = 0x7f80_0000;
/** 2^112 as float32: moves the exponent of a half, also of a subnormal one, to where float32 has it. */
const SCALE = 0x7780_0000;
/** Float32 bits of 2^16, beyond all halves, and of 2^-14, the least normal half. */
const BEYOND = 143 << 23, LEAST_NORMAL = 113 << 23;
/** 0.5 as float32: one unit in its last place is the least half. */
const HALF = 126 << 23;

/** Four of eight halves, the first or the last ones, as float32. */
type Widen = (value: Code, isLast: boolean) => Code;

/** For finite halves: the product keeps the sign. */
const widenFinite: Widen = (value, isLast) => {
  const bits = left(simd(isLast ? 0xa8 : 0xa7, value), 13);
  return multiplyFloats(both(bits, constant(0x8fff_e000)), constant(SCALE));
};

/** For all halves. */
function widenAny(bits: Local, magnitude: Local): Widen {
  const scaled = multiplyFloats(left(magnitude.get, 13), constant(SCALE));
  const special = both(isGreater(magnitude.get, constant(0x7bff)), constant(INFINITY));
  const sign = left(differ(bits.get, magnitude.get), 16);
  return (value, isLast) => [
    bits.set(simd(isLast ? 0xaa : 0xa9, value)),
    magnitude.set(both(bits.get, constant(0x7fff))),
    either(either(scaled, special), sign),
  ];
}

/** Float32 rounded to halves, in the low 16 bits of 32; what comes of finite halves is no NaN. */
function round(value: Code, sign: Local, magnitude: Local, isFinite: boolean): Code {
  const { get } = magnitude;
  const isOdd = both(right(get, 13), constant(1));
  const normal = right(plus(get, plus(constant((15 - 127 << 23) + 0xfff), isOdd)), 13);
  const subnormal = minus(addFloats(get, constant(HALF)), constant(HALF));
  const finite = select(subnormal, normal, isLess(get, constant(LEAST_NORMAL)));
  const special = plus(constant(0x7c00), both(isGreater(get, constant(INFINITY)), constant(0x200)));
  const half = isFinite
    ? smaller(finite, constant(0x7c00))
    : select(special, finite, isGreater(get, constant(BEYOND - 1)));
  return [
    magnitude.set(value),
    sign.set(both(get, constant(SIGN))),
    magnitude.set(differ(get, sign.get)),
    either(half, right(sign.get, 16)),
  ];
}

/** A module of `reduce(out, first, rest, stride, vectors)`; `body` leaves a vector from the places of all operands. */
function moduleOf(
  count: number,
  body: (f: FunctionBuilder, operands: readonly Code[]) => (emit: (result: Code) => Code) => Code,
): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("reduce", 5);
  const [out, first, rest, stride, vectors] = f.parameters;
  const counter = f.i32();
  const others = f.i32s(count);
  const combine = body(f, [first, ...others].map(load));
  f.emit(
    others.map((other, j) => other.set(add(rest.get, multiply(stride.get, i32(j))))),
    repeatMaybe(
      counter,
      vectors.get,
      combine((result) => store(out, result)),
      [out, first, ...others].map((address) => address.increase(i32(16))),
    ),
  );
  return assemble([f], { shared: false, minimumPages: 1 });
}

/**
 * The module of `reduce(out, first, rest, stride, vectors)` for `count` arrays of halves beside the first: sums or products.
 * Vectors without infinities and NaN, which are nearly all, take a shorter way.
 *
 * @param opcode what combines float32 vectors
 */
export function halfReduction(opcode: number, count: number): Uint8Array<ArrayBuffer> {
  return moduleOf(count, (f, operands) => {
    const [low, high, a, b, mask] = f.v128s(5);
    const wide = widenAny(a, b);
    const way = (widen: Widen, isFinite: boolean): Code =>
      [low, high].map((sum, part) => [
        sum.set(widen(operands[0], part === 1)),
        operands.slice(1).map((operand, k) => [
          // What was rounded goes back to float32, in which every half is exact; it may be infinite by now.
          k > 0 ? sum.set(wide(narrow(sum.get, sum.get), false)) : [],
          sum.set(round(simd(opcode, sum.get, widen(operand, part === 1)), a, b, isFinite && k === 0)),
        ]),
      ]);
    const isSpecial = operands.map((operand) =>
      equal16(both(operand, constant(0x7c00_7c00)), constant(0x7c00_7c00))
    );
    const flags = isSpecial.map((flag, k) => mask.set(k === 0 ? flag : either(mask.get, flag)));
    return (emit) => [
      flags,
      choose(simd(0x53, mask.get), way(wide, false), way(widenFinite, true)),
      emit(narrow(low.get, high.get)),
    ];
  });
}

/**
 * As {@link halfReduction}, for minima and maxima, without float32: as signed integers, halves whose magnitude is inverted
 * where they are negative are in order, -0 before 0; a NaN is put at the end that wins.
 */
export function halfExtremum(isMaximum: boolean, count: number): Uint8Array<ArrayBuffer> {
  return moduleOf(count, (f, operands) => {
    const [best, half] = f.v128s(2);
    const inOrder = (value: Code): Code => {
      return differ(value, both(simd(0x8c, value, i32(15)), constant(0x7fff_7fff)));
    };
    const winner = constant(isMaximum ? 0x7fff_7fff : 0x8000_8000);
    const key = (operand: Code): Code => [
      half.set(operand),
      select(
        winner,
        inOrder(half.get),
        isGreater16(both(half.get, constant(0x7fff_7fff)), constant(0x7c00_7c00)),
      ),
    ];
    return (emit) => [
      best.set(key(operands[0])),
      operands.slice(1).map((operand) => best.set(simd(isMaximum ? 0x98 : 0x96, best.get, key(operand)))),
      emit(inOrder(best.get)),
    ];
  });
}
