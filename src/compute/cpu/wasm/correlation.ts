import {
  and,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  indices,
  multiply,
  repeat,
  repeatMaybe,
  subtract,
} from "./emitter.ts";
import { type Arithmetic, load, loadSplat, store, zero } from "./simd.ts";

/** The width of the strip that {@link correlation} computes. */
export interface CorrelationSpec {
  /** Groups of four output columns; 6 with two rows fill V8's vector registers. */
  readonly vectors: number;
}

/**
 * The module of `correlate(x, xRowBytes, h, filterHeight, filterWidth, out, outRowBytes, rows)`: a strip of
 * 4 `vectors` columns of
 *
 *     out[i][j] = sum_{u, v} h[u][v] x[i + u][j + v],  0 <= i < rows
 *
 * Two output rows are computed together: every row of x between their first and their last serves both, with the
 * filter's row u for the upper and u - 1 for the lower one.
 */
export function correlation(spec: CorrelationSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("correlate", 8);
  const [x, xRow, h, height, width, out, outRow, rows] = f.parameters;
  const [block, u, v, tap, from, filterRow, back] = f.i32s(7);
  const upper = f.v128s(spec.vectors);
  const lower = f.v128s(spec.vectors);
  const [upperWeight, lowerWeight, value] = f.v128s(3);

  /** Adds one row of x, times the filter row at `tap` to `upper` and times the one before to `lower`. */
  const addRow = (toUpper: boolean, toLower: boolean): Code => [
    repeat(v, width.get, [
      toUpper ? upperWeight.set(loadSplat(tap.get)) : [],
      toLower ? lowerWeight.set(loadSplat(subtract(tap.get, filterRow.get))) : [],
      indices(spec.vectors).map((i) => [
        value.set(load(from.get, 16 * i)),
        toUpper ? upper[i].set(math.madd(value.get, upperWeight.get, upper[i].get)) : [],
        toLower ? lower[i].set(math.madd(value.get, lowerWeight.get, lower[i].get)) : [],
      ]),
      tap.increase(i32(4)),
      from.increase(i32(4)),
    ]),
    from.increase(back.get),
  ];
  const start: Code = [
    [...upper, ...lower].map((sum) => sum.set(zero)),
    tap.set(h.get),
    from.set(x.get),
  ];
  const finish = (sums: typeof upper): Code => [
    sums.map((sum, i) => store(out.get, sum.get, 16 * i)),
    out.increase(outRow.get),
  ];

  f.emit(
    filterRow.set(multiply(width.get, i32(4))),
    back.set(subtract(xRow.get, filterRow.get)),
    repeatMaybe(block, divide(rows.get, i32(2)), [
      start,
      addRow(true, false),
      repeatMaybe(u, subtract(height.get, i32(1)), addRow(true, true)),
      addRow(false, true),
      finish(upper),
      finish(lower),
      x.increase(multiply(xRow.get, i32(2))),
    ]),
    repeatMaybe(block, and(rows.get, i32(1)), [
      start,
      repeat(u, height.get, addRow(true, false)),
      finish(upper),
    ]),
  );
  return assemble([f]);
}
