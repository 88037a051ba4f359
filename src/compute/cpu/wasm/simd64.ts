/** v128 instructions on two float64 or int64 lanes. Offsets are in bytes. */
import { type Code, unsigned } from "./emitter.ts";
import { shuffle, simd } from "./simd.ts";

/** The lower 64 bits from memory, zeros above. */
export const loadHalf = (address: Code, offset = 0): Code => [simd(0x5d, address), 2, unsigned(offset)];
/** `into` with the upper 64 bits replaced from memory. */
export const loadUpper = (address: Code, into: Code): Code => [simd(0x57, address, into), 2, 0, 1];
/** Writes the lower 64 bits. */
export const storeHalf = (address: Code, value: Code, offset = 0): Code => [
  simd(0x5b, address, value),
  2,
  unsigned(offset),
  0,
];
/** A float64 in memory, in both lanes. */
export const loadBoth = (address: Code, offset = 0): Code => [simd(0x0a, address), 3, unsigned(offset)];
/** A float64 constant in both lanes. */
export const splat64 = (value: number): Code =>
  simd(0x14, [0x44, ...new Uint8Array(new Float64Array([value]).buffer)]);
/** The lanes in the other order. */
export const swap = (a: Code): Code => shuffle(a, a, [2, 3, 0, 1]);
/** Two float32 from two float64, zeros above. */
export const pack = (a: Code): Code => simd(0x5e, a);

export const add64 = (a: Code, b: Code): Code => simd(0xf0, a, b);
export const subtract64 = (a: Code, b: Code): Code => simd(0xf1, a, b);
export const multiply64 = (a: Code, b: Code): Code => simd(0xf2, a, b);
export const divide64 = (a: Code, b: Code): Code => simd(0xf3, a, b);
/** b where b < a, else a: NaN in b is passed over. */
export const lesser64 = (a: Code, b: Code): Code => simd(0xf6, a, b);
/** b where a < b, else a: NaN in b is passed over. */
export const larger64 = (a: Code, b: Code): Code => simd(0xf7, a, b);
/** Sums of int64 lanes. */
export const addInt64 = (a: Code, b: Code): Code => simd(0xce, a, b);
