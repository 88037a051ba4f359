import {
  add,
  assemble,
  type Code,
  FunctionBuilder,
  i32,
  indices,
  type Local,
  multiply,
  repeatMaybe,
  subtract,
} from "./emitter.ts";
import {
  type Arithmetic,
  load,
  loadSplat,
  loadWord,
  shuffle,
  store,
  storeLane,
  unpack,
  vadd,
  vmul,
} from "./simd.ts";
import { add64, loadHalf, multiply64, storeHalf } from "./simd64.ts";

/** A module of this file. */
export interface GriddingSpec {
  /** Grid points per sample and axis. */
  readonly taps: number;
}

/**
 * Vectors that hold the columns of a sample wherever in the first one they begin: loads and stores of whole aligned
 * vectors alone let the processor hand what was just stored to the next load.
 */
export function vectorsOf(taps: number): number {
  return Math.ceil((taps + 3) / 4);
}

/** Values in a sample's record of weights: the columns' in whole vectors, then the rows'. */
export function recordLength(taps: number): number {
  return 4 * vectorsOf(taps) + 4 * Math.ceil(taps / 4);
}

/** Cursors over the records of samples. */
interface Samples {
  readonly order: Local;
  readonly rows: Local;
  readonly columns: Local;
  readonly weights: Local;
}

function advance({ order, rows, columns, weights }: Samples, taps: number): Code {
  return [
    [order, rows, columns].map((cursor) => cursor.increase(i32(4))),
    weights.increase(i32(4 * recordLength(taps))),
  ];
}

/**
 * The module of `interpolate(grid, rowBytes, order, rows, columns, weights, out, samples)`: values between the points of a
 * grid that repeats its first rows and columns at its end. `columns` are bytes of whole vectors.
 */
export function interpolateSamples({ taps }: GriddingSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("interpolate", 8);
  const [grid, rowBytes, order, rows, columns, weights, out, count] = f.parameters;
  const cursors = { order, rows, columns, weights };
  const [counter, at] = f.i32s(2);
  const factors = f.v128s(vectorsOf(taps)), sums = f.v128s(vectorsOf(taps));
  const factor = f.v128();
  const [sum] = sums;
  f.emit(repeatMaybe(counter, count.get, [
    at.set(add(add(grid.get, loadWord(columns.get)), multiply(loadWord(rows.get), rowBytes.get))),
    factors.map((factor, v) => factor.set(load(weights.get, 16 * v))),
    indices(taps).map((i) => [
      factor.set(loadSplat(weights.get, 4 * (4 * factors.length + i))),
      sums.map((sum, v) =>
        sum.set(
          i === 0
            ? vmul(factor.get, load(at.get, 16 * v))
            : math.madd(factor.get, load(at.get, 16 * v), sum.get),
        )
      ),
      at.increase(rowBytes.get),
    ]),
    sum.set(vmul(sum.get, factors[0].get)),
    sums.slice(1).map((other, v) => sum.set(math.madd(other.get, factors[v + 1].get, sum.get))),
    sum.set(vadd(sum.get, shuffle(sum.get, sum.get, [2, 3, 0, 1]))),
    sum.set(vadd(sum.get, shuffle(sum.get, sum.get, [1, 0, 3, 2]))),
    storeLane(add(out.get, multiply(loadWord(order.get), i32(4))), sum.get, 0),
    advance(cursors, taps),
  ]));
  return assemble([f]);
}

/**
 * The module of `spread(grid, rowBytes, top, order, rows, columns, weights, values, samples)`: adds samples to rows of a
 * float64 grid, of which `grid` holds those from `top` on, one after the other.
 */
export function spreadSamples({ taps }: GriddingSpec): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("spread", 9);
  const [grid, rowBytes, top, order, rows, columns, weights, values, count] = f.parameters;
  const cursors = { order, rows, columns, weights };
  const [counter, at, origin] = f.i32s(3);
  const factors = f.v128s(2 * vectorsOf(taps));
  const [value, share] = f.v128s(2);
  f.emit(
    origin.set(subtract(grid.get, multiply(top.get, rowBytes.get))),
    repeatMaybe(counter, count.get, [
      at.set(add(
        add(origin.get, multiply(loadWord(columns.get), i32(2))),
        multiply(loadWord(rows.get), rowBytes.get),
      )),
      factors.map((factor, v) => factor.set(unpack(loadHalf(weights.get, 8 * v)))),
      value.set(unpack(loadSplat(add(values.get, multiply(loadWord(order.get), i32(4)))))),
      indices(taps).map((i) => [
        share.set(multiply64(value.get, unpack(loadSplat(weights.get, 4 * (2 * factors.length + i))))),
        factors.map((factor, v) =>
          store(at.get, add64(load(at.get, 16 * v), multiply64(share.get, factor.get)), 16 * v)
        ),
        at.increase(rowBytes.get),
      ]),
      advance(cursors, taps),
    ]),
  );
  return assemble([f]);
}

/** The module of `fold(at, rowBytes, rows, width, beyond)`: adds the `beyond` float64 behind the first `width` of rows to their first. */
export function foldRows(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("fold", 5);
  const [at, rowBytes, rows, width, beyond] = f.parameters;
  const [row, counter, to, from] = f.i32s(4);
  f.emit(repeatMaybe(row, rows.get, [
    to.set(at.get),
    from.set(add(at.get, multiply(width.get, i32(8)))),
    repeatMaybe(counter, beyond.get, [
      storeHalf(to.get, add64(loadHalf(to.get), loadHalf(from.get))),
      [to, from].map((cursor) => cursor.increase(i32(8))),
    ]),
    at.increase(rowBytes.get),
  ]));
  return assemble([f]);
}
