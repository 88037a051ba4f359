import {
  add,
  and,
  assemble,
  type Code,
  divide,
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
  loadLane,
  loadSplat,
  loadWord,
  shuffle,
  store,
  storeLane,
  unpack,
  zero,
} from "./simd.ts";
import { add64, multiply64, pack } from "./simd64.ts";

/** Vectors per turn of the main loop. */
const WIDE = 4;

/** Covers `count` columns in blocks of 16, 4 and 1; `block` gets the number of its vectors, 0 for a single value. */
function columns(counter: Local, count: Local, block: (vectors: number) => Code): Code {
  return [
    repeatMaybe(counter, divide(count.get, i32(4 * WIDE)), block(WIDE)),
    repeatMaybe(counter, and(divide(count.get, i32(4)), i32(WIDE - 1)), block(1)),
    repeatMaybe(counter, and(count.get, i32(3)), block(0)),
  ];
}

/**
 * The module of `rows(x, out, offsets, indices, weights, rows, inner)`: rows of a sparse matrix along an axis whose
 * values lie `inner` apart, out[o][i] = sum_k weights[k] x[indices[k]][i]; `offsets` points at the first row's.
 */
export function axisRows(_spec: unknown, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("rows", 7);
  const [x, out, offsets, places, weights, rows, inner] = f.parameters;
  const [row, counter, tap, taps, place, weight, from, rowBytes, column] = f.i32s(9);
  const sums = f.v128s(WIDE);
  const factor = f.v128();
  const block = (vectors: number): Code => {
    const own = sums.slice(0, Math.max(1, vectors));
    const read = (i: number) => vectors > 0 ? load(from.get, 16 * i) : loadSplat(from.get);
    return [
      own.map((sum) => sum.set(zero)),
      place.set(add(places.get, multiply(loadWord(offsets.get), i32(4)))),
      weight.set(add(weights.get, multiply(loadWord(offsets.get), i32(4)))),
      repeatMaybe(tap, taps.get, [
        from.set(add(column.get, multiply(loadWord(place.get), rowBytes.get))),
        factor.set(loadSplat(weight.get)),
        own.map((sum, i) => sum.set(math.madd(factor.get, read(i), sum.get))),
        place.increase(i32(4)),
        weight.increase(i32(4)),
      ]),
      own.map((sum, i) => vectors > 0 ? store(out.get, sum.get, 16 * i) : storeLane(out.get, sum.get, 0)),
      [out, column].map((at) => at.increase(i32(vectors > 0 ? 16 * vectors : 4))),
    ];
  };
  f.emit(
    rowBytes.set(multiply(inner.get, i32(4))),
    repeatMaybe(row, rows.get, [
      taps.set(subtract(loadWord(offsets.get, 4), loadWord(offsets.get))),
      column.set(x.get),
      columns(counter, inner, block),
      offsets.increase(i32(4)),
    ]),
  );
  return assemble([f]);
}

/**
 * The module of `run(x, out, taps, tapCount, count, lines, lineIn, lineOut)`: out[i] = sum_k w_k x[p_k + i], 0 <= i < count,
 * in each of `lines` lines that lie lineIn and lineOut bytes apart; `taps` points at pairs of 4 p_k and w_k.
 */
export function axisRun(_spec: unknown, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("run", 8);
  const [x, out, taps, tapCount, count, lines, lineIn, lineOut] = f.parameters;
  const [line, counter, tap, at, from, column, to] = f.i32s(7);
  const sums = f.v128s(WIDE);
  const factor = f.v128();
  const block = (vectors: number): Code => {
    const own = sums.slice(0, Math.max(1, vectors));
    const read = (i: number) => vectors > 0 ? load(from.get, 16 * i) : loadSplat(from.get);
    return [
      own.map((sum) => sum.set(zero)),
      at.set(taps.get),
      repeatMaybe(tap, tapCount.get, [
        from.set(add(column.get, loadWord(at.get))),
        factor.set(loadSplat(at.get, 4)),
        own.map((sum, i) => sum.set(math.madd(factor.get, read(i), sum.get))),
        at.increase(i32(8)),
      ]),
      own.map((sum, i) => vectors > 0 ? store(to.get, sum.get, 16 * i) : storeLane(to.get, sum.get, 0)),
      [to, column].map((cursor) => cursor.increase(i32(vectors > 0 ? 16 * vectors : 4))),
    ];
  };
  f.emit(repeatMaybe(line, lines.get, [
    column.set(x.get),
    to.set(out.get),
    columns(counter, count, block),
    x.increase(lineIn.get),
    out.increase(lineOut.get),
  ]));
  return assemble([f]);
}

/**
 * The module of `lanes(x0, x1, x2, x3, out0, out1, out2, out3, offsets, indices, weights, rows)`: as {@link axisRows} for
 * values side by side in four lines at once, with sums in float64.
 */
export function axisLanes(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("lanes", 12);
  const lines = f.parameters.slice(0, 4), outs = f.parameters.slice(4, 8);
  const [offsets, places, weights, rows] = f.parameters.slice(8);
  const [row, tap, place, weight, distance] = f.i32s(5);
  const [low, high, value, factor] = f.v128s(4);
  const addTo = (sum: Local, part: Code): Code =>
    sum.set(add64(sum.get, multiply64(unpack(part), factor.get)));
  f.emit(
    repeatMaybe(row, rows.get, [
      low.set(zero),
      high.set(zero),
      place.set(add(places.get, multiply(loadWord(offsets.get), i32(4)))),
      weight.set(add(weights.get, multiply(loadWord(offsets.get), i32(4)))),
      repeatMaybe(tap, subtract(loadWord(offsets.get, 4), loadWord(offsets.get)), [
        distance.set(multiply(loadWord(place.get), i32(4))),
        value.set(zero),
        lines.map((line, i) => value.set(loadLane(add(line.get, distance.get), value.get, i))),
        factor.set(unpack(loadSplat(weight.get))),
        addTo(low, value.get),
        addTo(high, shuffle(value.get, value.get, [2, 3, 2, 3])),
        place.increase(i32(4)),
        weight.increase(i32(4)),
      ]),
      value.set(shuffle(pack(low.get), pack(high.get), [0, 1, 4, 5])),
      indices(4).map((i) => [storeLane(outs[i].get, value.get, i), outs[i].increase(i32(4))]),
      offsets.increase(i32(4)),
    ]),
  );
  return assemble([f]);
}
