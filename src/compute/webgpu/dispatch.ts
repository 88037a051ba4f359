import type { GpuResource } from "./resource_pool.ts";

/**
 * A compute shader as data. `bindings` has one letter per resource, in the order of their binding numbers; the uniform
 * parameters follow as the last binding. Entry point `main`.
 *
 * r, w: storage buffer, read-only or read-write; i, o: rgba32float storage texture array, read-only or write-only.
 */
export interface Program {
  /** Identifies the shader in the pipeline cache. */
  readonly key: string;
  readonly bindings: string;
  /** The WGSL text, asked for when the pipeline is first built. */
  source(): string;
}

/** One launch of a program. */
export interface Dispatch {
  readonly program: Program;
  readonly resources: readonly GpuResource[];
  readonly params: Params;
  /** Each at most {@link MAX_WORKGROUPS}. */
  readonly workgroups: readonly [number, number, number];
}

/** WebGPU's guaranteed limit of workgroups per dimension; shaders stride over the rest. */
export const MAX_WORKGROUPS = 65535;

/** Workgroups of `size` for `count` invocations, within the limit. */
export function groups(count: number, size: number): number {
  return Math.min(Math.max(Math.ceil(count / size), 1), MAX_WORKGROUPS);
}

/** How many of `items` one invocation takes in turn: enough to repay its set-up, few enough to fill a large GPU. */
export function turnsPerInvocation(items: number): number {
  return Math.min(Math.max(Math.floor(items / 65536), 1), 8);
}

/**
 * Loop turns that one invocation may take: Mesa's lavapipe ends all loops of an invocation, without a word, after 65,535
 * turns in total.
 */
const MAX_TURNS = 60_000;

/**
 * Splits 0 .. count into ranges that one dispatch each can loop over; those after the first add to the output.
 *
 * @param turns loop turns that each of the `count` steps takes in one invocation
 * @returns at least one range of at least one step, or the empty range for a count of 0
 */
export function loopRanges(count: number, turns: number): [number, number][] {
  const length = Math.max(Math.floor(MAX_TURNS / turns), 1);
  const ranges: [number, number][] = [[0, Math.min(length, count)]];
  for (let begin = length; begin < count; begin += length) {
    ranges.push([begin, Math.min(begin + length, count)]);
  }
  return ranges;
}

/** Values of a shader's uniform struct of scalars, in order, four bytes each. */
export class Params {
  readonly words: number[] = [];
  static readonly #cell = new DataView(new ArrayBuffer(4));

  /** Appends whole numbers, signed or not. */
  int(...values: number[]): this {
    for (const value of values) this.words.push(value >>> 0);
    return this;
  }

  /** Appends float32 numbers. */
  float(...values: number[]): this {
    for (const value of values) {
      Params.#cell.setFloat32(0, value);
      this.words.push(Params.#cell.getUint32(0));
    }
    return this;
  }
}
