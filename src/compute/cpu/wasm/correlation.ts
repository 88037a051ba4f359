import {
  add,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  indices,
  multiply,
  remainder,
  repeat,
  repeatMaybe,
  subtract,
} from "./emitter.ts";
import { type Arithmetic, load, loadSplat, store, zero } from "./simd.ts";

/** The shape of the register block of {@link correlation}. */
export interface CorrelationSpec {
  /** Output rows that are computed together. */
  readonly rows: number;
  /** Groups of four output columns. */
  readonly vectors: number;
}

/**
 * The module of `correlate(x, xRowBytes, h, filterHeight, filterWidth, out, outRowBytes, rows)`: a strip of
 * 4 `vectors` columns of
 *
 *     out[i][j] = sum_{u, v} h[u][v] x[i + u][j + v],  0 <= i < rows
 */
export function correlation(spec: CorrelationSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("correlate", 8);
  const [x, xRow, h, height, width, out, outRow, rows] = f.parameters;
  const [block, u, v, tap, back] = f.i32s(5);
  const from = f.i32s(spec.rows);
  const sums = f.v128s(spec.rows * spec.vectors);
  const weight = f.v128();

  /** `count` rows from (x, out) on. */
  const strip = (count: number): Code => {
    const each = (body: (row: number, vector: number) => Code): Code =>
      indices(count * spec.vectors).map((i) => body(i % count, Math.floor(i / count)));
    const sum = (row: number, vector: number) => sums[row * spec.vectors + vector];
    return [
      each((row, vector) => sum(row, vector).set(zero)),
      tap.set(h.get),
      indices(count).map((row) => from[row].set(row === 0 ? x.get : add(from[row - 1].get, xRow.get))),
      repeat(u, height.get, [
        repeat(v, width.get, [
          weight.set(loadSplat(tap.get)),
          each((row, vector) =>
            sum(row, vector).set(
              math.madd(load(from[row].get, 16 * vector), weight.get, sum(row, vector).get),
            )
          ),
          tap.increase(i32(4)),
          indices(count).map((row) => from[row].increase(i32(4))),
        ]),
        indices(count).map((row) => from[row].increase(back.get)),
      ]),
      indices(count).map((row) => [
        indices(spec.vectors).map((vector) => store(out.get, sum(row, vector).get, 16 * vector)),
        out.increase(outRow.get),
        x.increase(xRow.get),
      ]),
    ];
  };

  f.emit(
    back.set(subtract(xRow.get, multiply(width.get, i32(4)))),
    repeatMaybe(block, divide(rows.get, i32(spec.rows)), strip(spec.rows)),
    repeatMaybe(block, remainder(rows.get, i32(spec.rows)), strip(1)),
  );
  return assemble([f]);
}
