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
  repeatMaybe,
  when,
} from "./emitter.ts";
import { type Arithmetic, load, loadSplat, shuffle, store, storeLane, unpack, zero } from "./simd.ts";
import { loadBoth, loadHalf, pack, storeHalf } from "./simd64.ts";

/** Rows whose sums stay in registers together, for four columns; what is left goes row by row, 16 columns each. */
const TALL = 4;
/** Steps of the inner index in one turn of the innermost loop. */
const UNROLL = 4;

/**
 * The module of `product(a, b, c, rows, depth, columns, rowBytes, scratch)`: a block of a matrix product,
 *
 *     C[i][j] = sum_k A[i][k] B[k][j],  0 <= i < rows, 0 <= j < columns
 *
 * in float32, each sum in float64 in the order of k. The rows of A follow one another; those of B and C are `rowBytes`
 * apart. `scratch` has room for the rows of A in float64 and the columns of B, whose order suits the innermost loop.
 */
export function product(_spec: object, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("product", 8);
  const [a, b, c, rows, depth, columns, rowBytes, scratch] = f.parameters;
  const [block, panel, step, rest] = f.i32s(4);
  const [from, to, blockA, blockC, panelB, panelC, atA, atB, rowA, bytesA] = f.i32s(10);
  const sums = f.v128s(8);
  const [value, ...valuesA] = f.v128s(5);
  const vectors = divide(columns.get, i32(4));
  const packedB = add(scratch.get, multiply(multiply(rows.get, depth.get), i32(8)));

  /** Does something for each of `height` rows, at `first` and then a step further each. */
  const eachRow = (height: number, first: Code, rowStep: Code, body: (row: number) => Code): Code => [
    rowA.set(first),
    indices(height).map((row) => [body(row), row < height - 1 ? rowA.increase(rowStep) : []]),
  ];

  /** `blocks` times `height` rows of A in float64, from `from` to `to`: the values of a column side by side. */
  const widen = (height: number, blocks: Code): Code =>
    repeatMaybe(block, blocks, [
      repeatMaybe(step, depth.get, [
        eachRow(
          height,
          from.get,
          bytesA.get,
          (row) => storeHalf(to.get, unpack(loadSplat(rowA.get)), 8 * row),
        ),
        from.increase(i32(4)),
        to.increase(i32(8 * height)),
      ]),
      from.increase(multiply(bytesA.get, i32(height - 1))),
    ]);

  /** Whole vectors of B's columns, each below the one before: its values for all k follow one another. */
  const gather: Code = [
    from.set(b.get),
    to.set(packedB),
    repeatMaybe(step, depth.get, [
      atA.set(from.get),
      atB.set(to.get),
      repeatMaybe(panel, vectors, [
        store(atB.get, load(atA.get)),
        atA.increase(i32(16)),
        atB.increase(multiply(depth.get, i32(16))),
      ]),
      from.increase(rowBytes.get),
      to.increase(i32(16)),
    ]),
  ];

  /** `height` rows at (blockA, panelB, blockC) times `width` columns; one column is in both lanes. */
  const registerBlock = (height: number, width: number, isGathered: boolean): Code => {
    const isOne = width === 1, pairs = Math.ceil(width / 2);
    const sum = (row: number, pair: number) => sums[row * pairs + pair];
    const addProducts = (ahead: number): Code => [
      indices(height).map((row) => valuesA[row].set(loadBoth(atA.get, 8 * (ahead * height + row)))),
      indices(pairs).map((pair) => [
        value.set(
          unpack(isOne ? loadSplat(atB.get) : loadHalf(atB.get, 8 * pair + (isGathered ? 16 * ahead : 0))),
        ),
        indices(height).map((row) =>
          sum(row, pair).set(math.madd64(valuesA[row].get, value.get, sum(row, pair).get))
        ),
      ]),
      isGathered ? [] : atB.increase(rowBytes.get),
    ];
    const move = (steps: number): Code => [
      atA.increase(i32(8 * steps * height)),
      isGathered ? atB.increase(i32(16 * steps)) : [],
    ];
    const finished = (row: number, pair: number): Code => pack(sum(row, pair).get);
    return [
      indices(height * pairs).map((at) => sums[at].set(zero)),
      atA.set(blockA.get),
      atB.set(panelB.get),
      repeatMaybe(step, divide(depth.get, i32(UNROLL)), [
        indices(UNROLL).map(addProducts),
        move(UNROLL),
      ]),
      repeatMaybe(step, remainder(depth.get, i32(UNROLL)), [addProducts(0), move(1)]),
      eachRow(
        height,
        blockC.get,
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
      blockA.set(atA.get),
      blockC.increase(multiply(rowBytes.get, i32(height))),
    ];
  };

  /** `blocks` times `height` rows from `startA` and panelC on, times `panels` times `width` columns from panelB on. */
  const columnsOf = (
    [height, blocks, startA]: readonly [number, Code, Code],
    width: number,
    panels: Code,
    isGathered = false,
  ): Code =>
    repeatMaybe(panel, panels, [
      blockA.set(startA),
      blockC.set(panelC.get),
      repeatMaybe(block, blocks, registerBlock(height, width, isGathered)),
      panelB.increase(isGathered ? multiply(depth.get, i32(16)) : i32(4 * width)),
      panelC.increase(i32(4 * width)),
    ]);

  const blocks = divide(rows.get, i32(TALL));
  const done = multiply(blocks, i32(TALL));
  const tall = [TALL, blocks, scratch.get] as const;
  const single = [1, rest.get, add(scratch.get, multiply(done, multiply(depth.get, i32(8))))] as const;
  f.emit(
    bytesA.set(multiply(depth.get, i32(4))),
    rest.set(remainder(rows.get, i32(TALL))),
    from.set(a.get),
    to.set(scratch.get),
    widen(TALL, blocks),
    widen(1, rest.get),
    when(blocks, [
      gather,
      panelB.set(packedB),
      panelC.set(c.get),
      columnsOf(tall, 4, vectors, true),
      panelB.set(add(b.get, multiply(vectors, i32(16)))),
      columnsOf(tall, 1, remainder(columns.get, i32(4))),
    ]),
    panelB.set(b.get),
    panelC.set(add(c.get, multiply(done, rowBytes.get))),
    columnsOf(single, 16, divide(columns.get, i32(16))),
    columnsOf(single, 4, divide(remainder(columns.get, i32(16)), i32(4))),
    columnsOf(single, 1, remainder(columns.get, i32(4))),
  );
  return assemble([f]);
}
