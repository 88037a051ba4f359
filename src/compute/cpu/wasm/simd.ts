/** v128 instructions on four float32 lanes. Offsets are in bytes. */
import { assemble, type Code, FunctionBuilder, i32, unsigned } from "./emitter.ts";

/** A vector instruction without immediate operands. */
export const simd = (opcode: number, ...operands: Code[]): Code => [operands, 0xfd, unsigned(opcode)];

export const load = (address: Code, offset = 0): Code => [simd(0x00, address), 2, unsigned(offset)];
/** One float32 in all four lanes. */
export const loadSplat = (address: Code, offset = 0): Code => [simd(0x09, address), 2, unsigned(offset)];
export const store = (address: Code, value: Code, offset = 0): Code => [
  simd(0x0b, address, value),
  2,
  unsigned(offset),
];
/** `into` with one lane replaced by a float32 from memory. */
export const loadLane = (address: Code, into: Code, lane: number): Code => [
  simd(0x56, address, into),
  2,
  unsigned(0),
  lane,
];
/** Writes one lane of `value` to memory. */
export const storeLane = (address: Code, value: Code, lane: number): Code => [
  simd(0x5a, address, value),
  2,
  unsigned(0),
  lane,
];
export const zero: Code = [0xfd, 12, Array(16).fill(0)];
/** A float32 constant in all four lanes. */
export const splat = (value: number): Code =>
  simd(0x13, [0x43, ...new Uint8Array(new Float32Array([value]).buffer)]);

export const vadd = (a: Code, b: Code): Code => simd(0xe4, a, b);
export const vsub = (a: Code, b: Code): Code => simd(0xe5, a, b);
export const vmul = (a: Code, b: Code): Code => simd(0xe6, a, b);
export const vdiv = (a: Code, b: Code): Code => simd(0xe7, a, b);
/** b where a < b, else a: one instruction, and NaN in a stays. */
export const vmax = (a: Code, b: Code): Code => simd(0xeb, a, b);
/** b where b < a, else a: NaN in a stays. */
export const vmin = (a: Code, b: Code): Code => simd(0xea, a, b);
/** The nearest whole numbers. */
export const vnearest = (a: Code): Code => simd(0x6a, a);
/** 2^n for whole numbers n of -126 to 127, as float32: n goes into the exponent's bits. */
export const powerOfTwo = (n: Code): Code => [simd(0xab, simd(0xae, simd(0xf8, n), splatInt(127)), i32(23))];
const splatInt = (value: number): Code => simd(0x11, i32(value));

/** An i32 in memory. */
export const loadWord = (address: Code, offset = 0): Code => [address, 0x28, 2, unsigned(offset)];
/** Four lanes of 32 bits of a (numbers 0 to 3) and b (4 to 7). */
export const shuffle = (a: Code, b: Code, lanes: readonly number[]): Code => [
  simd(0x0d, a, b),
  lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]),
];
/** Two float64 from the two lower float32 lanes. */
export const unpack = (a: Code): Code => simd(0x5f, a);

/** Multiply-add: fused where the engine has relaxed SIMD, a multiplication and an addition elsewhere. */
export interface Arithmetic {
  /** a b + c */
  madd(a: Code, b: Code, c: Code): Code;
  /** c - a b */
  nmadd(a: Code, b: Code, c: Code): Code;
  /** a b + c of float64 lanes; the same where a and b come from float32, whose product is exact. */
  madd64(a: Code, b: Code, c: Code): Code;
}

const FUSED: Arithmetic = {
  madd: (a, b, c) => simd(0x105, a, b, c),
  nmadd: (a, b, c) => simd(0x106, a, b, c),
  madd64: (a, b, c) => simd(0x107, a, b, c),
};

const PLAIN: Arithmetic = {
  madd: (a, b, c) => vadd(vmul(a, b), c),
  nmadd: (a, b, c) => vsub(c, vmul(a, b)),
  madd64: (a, b, c) => simd(0xf0, simd(0xf2, a, b), c),
};

/** The arithmetic this engine can run, or the plain one when asked for. */
export function arithmetic(fused: boolean = canFuse()): Arithmetic {
  return fused ? FUSED : PLAIN;
}

/** Whether the engine accepts relaxed SIMD. */
export function canFuse(): boolean {
  const probe = new FunctionBuilder("probe", 1);
  const value = probe.v128();
  probe.emit(value.set(FUSED.madd(zero, zero, zero)));
  return WebAssembly.validate(assemble([probe]));
}
