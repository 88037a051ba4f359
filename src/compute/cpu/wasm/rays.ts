import { add, type Code, type FunctionBuilder, i32, type Local, multiply, subtract } from "./emitter.ts";
import { load, simd, unpack, zero } from "./simd.ts";
import {
  add64,
  addInt64,
  divide64,
  larger64,
  lesser64,
  loadBoth,
  loadHalf,
  multiply64,
  splat64,
  subtract64,
  swap,
} from "./simd64.ts";

/** Zeros around an image, so that every sample of a clipped ray has four neighbours. */
export const BORDER = 2;

/** The float64 values that {@link Ray.emit} reads, in their order in memory. */
export interface RayParameters {
  /** Column and row of the centre of rotation in the bordered image. */
  readonly centre: number;
  /** Samples before the one in the middle: (steps - 1) / 2. */
  readonly half: number;
  /** Distance of neighbouring rays at the centre. */
  readonly spacing: number;
  /** Growth of that distance per step. */
  readonly divergence: number;
  /** The first detector's distance from the middle one. */
  readonly lateral: number;
  /** steps - 1 */
  readonly lastStep: number;
  /** Bounds of the samples' columns and rows, both included. */
  readonly lowColumn: number;
  readonly lowRow: number;
  readonly highColumn: number;
  readonly highRow: number;
}

/** The parameters as they lie in memory. */
export function rayParameters(p: RayParameters): Float64Array {
  return Float64Array.of(
    p.centre,
    p.half,
    p.spacing,
    p.divergence,
    p.lateral,
    p.lastStep,
    p.lowColumn,
    p.lowRow,
    p.highColumn,
    p.highRow,
  );
}

/** Two float64 in memory. */
const loadPair = (address: Code, index: number): Code => load(address, 8 * index);
const toI32 = (value: Code): Code => [simd(0x21, value), 0, 0xfc, 0x02];
const toI64 = (value: Code, lane: number): Code => [simd(0x21, value), lane, 0xfc, 0x06];

/**
 * The rays of one view, one after the other: their samples lie at `position` + j `step`, columns and rows in the two
 * lanes as whole numbers of 2^-32 pixels. Positions do not depend on how a ray is clipped.
 */
export class Ray {
  /** Column and row of the next sample. */
  readonly position: Local;
  /** The way to the one behind it. */
  readonly step: Local;
  /** Samples between the bounds; may be negative. */
  readonly count: Local;
  readonly #lateral: Local;
  readonly #along: Local;
  readonly #across: Local;
  readonly #scratch: readonly Local[];
  readonly #first: Local;

  constructor(f: FunctionBuilder) {
    [this.position, this.step, this.#lateral, this.#along, this.#across] = f.v128s(5);
    this.#scratch = f.v128s(4);
    [this.count, this.#first] = f.i32s(2);
  }

  /** Begins a view, whose (cos, sin) lie at `direction` as float32. */
  begin(parameters: Code, direction: Code): Code {
    const [pair] = this.#scratch;
    return [
      pair.set(unpack(loadHalf(direction))),
      this.#along.set(swap(pair.get)),
      this.#across.set(simd(0x51, pair.get, [0xfd, 12, Array(15).fill(0), 0x80])),
      this.#lateral.set(loadBoth(parameters, 32)),
    ];
  }

  /** Sets position, step and count to those of the next ray. */
  next(parameters: Code): Code {
    const [start, step, near, far] = this.#scratch;
    const bound = (index: number): Code =>
      divide64(subtract64(loadPair(parameters, index), start.get), step.get);
    const fixed = (value: Local): Code => [
      [simd(0x12, toI64(value.get, 0)), toI64(value.get, 1), 0xfd, 0x1e, 1],
    ];
    const scaled = (value: Local): Code => value.set(multiply64(value.get, splat64(2 ** 32)));
    const lastStep = loadBoth(parameters, 40);
    return [
      near.set(multiply64(this.#lateral.get, this.#across.get)),
      step.set(add64(this.#along.get, multiply64(near.get, loadBoth(parameters, 24)))),
      start.set(add64(loadBoth(parameters, 0), multiply64(near.get, loadBoth(parameters, 16)))),
      start.set(subtract64(start.get, multiply64(loadBoth(parameters, 8), step.get))),
      this.#lateral.set(add64(this.#lateral.get, splat64(1))),
      near.set(bound(6)),
      far.set(bound(8)),
      this.step.set(lesser64(near.get, far.get)),
      far.set(larger64(near.get, far.get)),
      near.set(lesser64(larger64(zero, this.step.get), add64(lastStep, splat64(1)))),
      far.set(larger64(lesser64(lastStep, far.get), splat64(-1))),
      this.#first.set(toI32(simd(0x74, larger64(near.get, swap(near.get))))),
      this.count.set(toI32(simd(0x75, lesser64(far.get, swap(far.get))))),
      this.count.set(add(subtract(this.count.get, this.#first.get), i32(1))),
      scaled(start),
      scaled(step),
      this.step.set(fixed(step)),
      this.position.set(addInt64(
        fixed(start),
        simd(0xd5, this.step.get, simd(0x12, [this.#first.get, 0xac])),
      )),
    ];
  }

  /** Moves `position` on by `steps`, which is a local variable of `steps` times `step`. */
  static move(position: Local, by: Local): Code {
    return position.set(addInt64(position.get, by.get));
  }
}

/** Byte address of the pixel at columns and rows in two lanes, given as numbers of lanes of 32 bits. */
export function pixel(
  base: Code,
  whole: Local,
  rowBytes: Code,
  valueBytes: number,
  lanes: readonly [number, number],
): Code {
  const lane = (index: number): Code => [simd(0x1b, whole.get), index];
  return add(base, add(multiply(lane(lanes[1]), rowBytes), multiply(lane(lanes[0]), i32(valueBytes))));
}
