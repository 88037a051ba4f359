/** v128 instructions on four float32 lanes. Offsets are in bytes. */
import { assemble, type Code, FunctionBuilder, unsigned } from "./emitter.ts";

const simd = (opcode: number, ...operands: Code[]): Code => [operands, 0xfd, unsigned(opcode)];

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
/** b where a < b, else a: one instruction, and NaN in a stays. */
export const vmax = (a: Code, b: Code): Code => simd(0xeb, a, b);

/** Multiply-add: fused where the engine has relaxed SIMD, a multiplication and an addition elsewhere. */
export interface Arithmetic {
  /** a b + c */
  madd(a: Code, b: Code, c: Code): Code;
  /** c - a b */
  nmadd(a: Code, b: Code, c: Code): Code;
}

const FUSED: Arithmetic = {
  madd: (a, b, c) => simd(0x105, a, b, c),
  nmadd: (a, b, c) => simd(0x106, a, b, c),
};

const PLAIN: Arithmetic = {
  madd: (a, b, c) => vadd(vmul(a, b), c),
  nmadd: (a, b, c) => vsub(c, vmul(a, b)),
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
