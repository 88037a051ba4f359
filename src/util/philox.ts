/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 *
 * Block i of a stream is a bijection of the counter (i, stream) under the key (seed): ten rounds of
 * `(x0, x1, x2, x3) <- (hi(M1 x2) ^ x1 ^ k0, lo(M1 x2), hi(M0 x0) ^ x3 ^ k1, lo(M0 x0))`, the key raised by (W0, W1)
 * between rounds. Any value can be had without those before it.
 */

import { InvalidArgumentError } from "./errors.ts";

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * Encrypts one counter block.
 *
 * @param counter four 32-bit words
 * @param key two 32-bit words
 * @param out receives four 32-bit words
 */
export function philox4x32(counter: ArrayLike<number>, key: ArrayLike<number>, out: Uint32Array): void {
  let [x0, x1, x2, x3] = [counter[0] >>> 0, counter[1] >>> 0, counter[2] >>> 0, counter[3] >>> 0];
  let [k0, k1] = [key[0], key[1]];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(M0, x0);
    const high1 = multiplyHigh(M1, x2);
    const low0 = Math.imul(M0, x0) >>> 0;
    const low1 = Math.imul(M1, x2) >>> 0;
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** Upper 32 bits of the product of two unsigned 32-bit words; every partial product is exact in float64. */
function multiplyHigh(a: number, b: number): number {
  const low = (a & 0xffff) * b;
  const high = (a >>> 16) * b;
  return Math.floor((high + Math.floor(low / 0x10000)) / 0x10000);
}

/**
 * A stream of random numbers. Its 32-bit words depend only on (seed, stream, position), on every platform and however
 * they are asked for; streams of one seed are independent of each other.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Philox } from "@deepinv/distributed";
 *
 * const noise = new Float32Array(1024);
 * new Philox(42, 3).fillNormal(noise); // seed 42, stream 3
 *
 * const words = new Philox(42);
 * words.seek(1000); // without the 1000 before
 * const later = words.nextUint32();
 * const other = new Philox(42);
 * for (let k = 0; k < 1000; k++) other.nextUint32();
 * assert.equal(other.nextUint32(), later);
 * ```
 */
export class Philox {
  readonly #key: Uint32Array;
  readonly #counter = new Uint32Array(4);
  readonly #block = new Uint32Array(4);
  #position = 0;
  #cachedBlock = -1;
  #spareNormal: number | null = null;

  /**
   * Starts a stream at position 0.
   *
   * @param seed any integer, taken modulo 2^64
   * @param stream an integer in [0, 2^53), 0 by default
   * @throws {InvalidArgumentError} if either is not such an integer
   */
  constructor(seed: number | bigint, stream = 0) {
    if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
      throw new InvalidArgumentError("create Philox", "seed", "a safe integer or a bigint", String(seed));
    }
    requireIndex("create Philox", "stream", stream);
    const bits = BigInt.asUintN(64, BigInt(seed));
    this.#key = Uint32Array.of(Number(bits & 0xffffffffn), Number(bits >> 32n));
    this.#counter[2] = stream >>> 0;
    this.#counter[3] = Math.floor(stream / 2 ** 32);
  }

  /** How many 32-bit words were taken so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Moves to the word at `position`, without computing those before it.
   *
   * @param position an integer in [0, 2^53)
   * @throws {InvalidArgumentError} if it is not
   */
  seek(position: number): void {
    requireIndex("seek Philox", "position", position);
    this.#position = position;
    this.#spareNormal = null;
  }

  /** A generator that goes on as this one would, on its own. */
  clone(): Philox {
    const copy = new Philox(0);
    copy.#key.set(this.#key);
    copy.#counter.set(this.#counter);
    copy.#position = this.#position;
    copy.#spareNormal = this.#spareNormal;
    return copy;
  }

  /** The beginning of another stream of the same seed. */
  fork(stream: number): Philox {
    const other = new Philox(0, stream);
    other.#key.set(this.#key);
    return other;
  }

  /** The next word: uniform over the integers in [0, 2^32). */
  nextUint32(): number {
    const block = Math.floor(this.#position / 4);
    if (block !== this.#cachedBlock) {
      this.#counter[0] = block >>> 0;
      this.#counter[1] = Math.floor(block / 2 ** 32);
      philox4x32(this.#counter, this.#key, this.#block);
      this.#cachedBlock = block;
    }
    return this.#block[this.#position++ % 4];
  }

  /** Uniform in [0, 1), a multiple of 2^-24: exact in float32. Takes one word. */
  uniform(): number {
    return (this.nextUint32() >>> 8) * 2 ** -24;
  }

  /**
   * Standard normal by Box and Muller: words a, b give sqrt(-2 ln u) cos(2 pi v), then sqrt(-2 ln u) sin(2 pi v), with
   * u = (a + 1) / 2^32 and v = b / 2^32. Takes two words at every other call. Computed in float64.
   */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log((this.nextUint32() + 1) * 2 ** -32));
    const angle = 2 * Math.PI * (this.nextUint32() * 2 ** -32);
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Fills `out` with what repeated calls of `uniform` would give. */
  fillUniform(out: Float32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.uniform();
  }

  /** Fills `out` with what repeated calls of `normal` would give, rounded to float32. */
  fillNormal(out: Float32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
  }
}

function requireIndex(action: string, argument: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new InvalidArgumentError(action, argument, "an integer in [0, 2^53)", String(value));
}
