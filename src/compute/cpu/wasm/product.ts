import {
  add,
  and,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  indices,
  multiply,
  remainder,
  repeatMaybe,
} from "./emitter.ts";
import { type Arithmetic, loadSplat, shuffle, store, storeLane, unpack, zero } from "./simd.ts";
import { loadBoth, loadHalf, pack, storeHalf } from "./simd64.ts";

/** Rows x columns whose sums stay in registers, in the order in which they cover the rows: 8 sums, of two columns each. */
const BLOCKS = [{ rows: 4, columns: 4 }, { rows: 1, columns: 16 }];

/**
 * The module of `product(a, b, c, rows, depth, columns, rowBytes, scratch)`: a block of a matrix product,
 *
 *     C[i][j] = sum_k A[i][k] B[k][j],  0 <= i < rows, 0 <= j < columns
 *
 * in float32, each sum in float64 in the order of k. The rows of A follow one another; those of B and C are `rowBytes`
 * apart. `scratch` has room for the rows of A in float64.
 */
export function product(_spec: object, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("product", 8);
  const [a, b, c, rows, depth, columns, rowBytes, scratch] = f.parameters;
  const [count, block, panel, step, left, rest] = f.i32s(6);
  const [from, to, rowsA, rowsC, panelB, panelC, atA, atB, rowA, rowBytesA] = f.i32s(10);
  const sums = f.v128s(8);
  const [value, ...valuesA] = f.v128s(5);

  /** A in float64, two values at a time. */
  const widen: Code = [
    count.set(multiply(rows.get, depth.get)),
    from.set(a.get),
    to.set(scratch.get),
    repeatMaybe(step, divide(count.get, i32(2)), [
      store(to.get, unpack(loadHalf(from.get))),
      from.increase(i32(8)),
      to.increase(i32(16)),
    ]),
    repeatMaybe(step, and(count.get, i32(1)), storeHalf(to.get, unpack(loadSplat(from.get)))),
  ];

  /** `height` rows at (atA, panelB, rowsC): 2 `pairs` columns, or one in both lanes. */
  const registerBlock = (height: number, pairs: number, isOne: boolean): Code => {
    const sum = (row: number, pair: number) => sums[row * pairs + pair];
    const all = indices(height).flatMap((row) => indices(pairs).map((pair) => sum(row, pair)));
    /** Does something for every row at `first` + row steps of `size`. */
    const eachRow = (first: Code, size: Code, body: (row: number) => Code): Code => [
      rowA.set(first),
      indices(height).map((row) => [body(row), row < height - 1 ? rowA.increase(size) : []]),
    ];
    const finished = (row: number, pair: number): Code => pack(sum(row, pair).get);
    return [
      all.map((each) => each.set(zero)),
      atA.set(rowsA.get),
      atB.set(panelB.get),
      repeatMaybe(step, depth.get, [
        eachRow(atA.get, rowBytesA.get, (row) => valuesA[row].set(loadBoth(rowA.get))),
        indices(pairs).map((pair) => [
          value.set(unpack(isOne ? loadSplat(atB.get) : loadHalf(atB.get, 8 * pair))),
          indices(height).map((row) =>
            sum(row, pair).set(math.madd64(valuesA[row].get, value.get, sum(row, pair).get))
          ),
        ]),
        atA.increase(i32(8)),
        atB.increase(rowBytes.get),
      ]),
      eachRow(
        rowsC.get,
        rowBytes.get,
        (row) =>
          isOne ? storeLane(rowA.get, finished(row, 0), 0) : indices(pairs / 2).map((quad) =>
            store(
              rowA.get,
              shuffle(finished(row, 2 * quad), finished(row, 2 * quad + 1), [0, 1, 4, 5]),
              16 * quad,
            )
          ),
      ),
      rowsA.increase(multiply(rowBytesA.get, i32(height))),
      rowsC.increase(multiply(rowBytes.get, i32(height))),
    ];
  };

  /** All columns of `blocks` times `height` rows from (rowsA, rowsC), in panels of `widths` columns. */
  const allColumns = (
    height: number,
    blocks: Code,
    widths: readonly number[],
    startA: Code,
    startC: Code,
  ): Code => [
    panelB.set(b.get),
    panelC.set(startC),
    left.set(columns.get),
    widths.map((width) => [
      repeatMaybe(panel, divide(left.get, i32(width)), [
        rowsA.set(startA),
        rowsC.set(panelC.get),
        repeatMaybe(block, blocks, registerBlock(height, Math.ceil(width / 2), width === 1)),
        panelB.increase(i32(4 * width)),
        panelC.increase(i32(4 * width)),
      ]),
      left.set(remainder(left.get, i32(width))),
    ]),
  ];

  const [tall, wide] = BLOCKS;
  const whole = divide(rows.get, i32(tall.rows));
  const done = multiply(whole, i32(tall.rows));
  f.emit(
    widen,
    rowBytesA.set(multiply(depth.get, i32(8))),
    allColumns(tall.rows, whole, [tall.columns, 1], scratch.get, c.get),
    rest.set(remainder(rows.get, i32(tall.rows))),
    allColumns(
      wide.rows,
      rest.get,
      [wide.columns, 4, 1],
      add(scratch.get, multiply(done, rowBytesA.get)),
      add(c.get, multiply(done, rowBytes.get)),
    ),
  );
  return assemble([f]);
}
