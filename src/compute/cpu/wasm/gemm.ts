import {
  add,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  indices,
  type Local,
  remainder,
  repeat,
  repeatMaybe,
} from "./emitter.ts";
import type { Activation } from "../../conv_validation.ts";
import { finishCode } from "./activation.ts";
import { type Arithmetic, load, loadSplat, store, vadd, zero } from "./simd.ts";

/** A family of small matrix products with a packed right-hand side; depth and columns are multiples of 4. */
export interface GemmSpec {
  /** Values of one run of a row of A: contiguous. */
  readonly depth: number;
  /** Runs that make up a segment, and values from the start of one to that of the next; default one. */
  readonly runs?: { readonly count: number; readonly step: number };
  /** Segments that make up a row of A (the rows of a filter); 1 for an ordinary matrix, 0 where there is no sum. */
  readonly segments: number;
  /** Columns of B and C. */
  readonly columns: number;
  /** Values from one row of A to the next. */
  readonly rowStepA: number;
  /** Values from one row of C to the next. */
  readonly rowStepC: number;
  /** What happens to a result before it is stored: bias, activation and addends; absent: nothing. */
  readonly epilogue?: { readonly activation: Activation; readonly addends: number };
}

/** Rows of A in a register block: 6 rows x 8 columns are 12 accumulators, and V8 has 15 vector registers to give. */
export const GEMM_ROWS = 6;
/** Blocks of the rows that are left: a row alone waits for its own sums. */
const REST_ROWS = [4, 2, 1];

/**
 * The module of `gemm(a, b, c, rows, batches, segmentStep, batchStepA, batchStepB, batchStepC, bias, addend0, addend1)`:
 *
 *     C[n][i][j] = sum_{s, r, k} A[n][i][s][r][k] B[n][s][r][k][j],  0 <= n < batches, 0 <= i < rows
 *
 * Steps are in bytes. B is packed by {@link packPanels}. Addends share C's layout and are given as their distance from c
 * in bytes (modulo 2^32). Nothing outside `rows` rows is read or written.
 */
export function gemm(spec: GemmSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("gemm", 12);
  const [a, b, c, rows, batches, segmentStep, batchStepA, batchStepB, batchStepC, bias, ...distances] =
    f.parameters;
  const addends = distances.slice(0, spec.epilogue?.addends ?? 0);
  const [batch, panel, block, rest, segment, run, step] = f.i32s(7);
  const [blockA, blockC, panelB, panelC, panelBias, atB] = f.i32s(6);
  const atA = f.i32s(GEMM_ROWS);
  const sums = f.v128s(2 * GEMM_ROWS);
  const rowOfB = f.v128s(2);
  const valueOfA = f.v128();
  const unroll = [16, 12, 8, 4].find((count) => spec.depth % count === 0)!;
  const { count: runs, step: runStep } = spec.runs ?? { count: 1, step: spec.depth };
  /** Values that a row's pointer moves in a segment. */
  const rowLength = runs > 1 ? runs * runStep : spec.depth;
  const repeated = (counter: Local, count: number, body: Code): Code =>
    count > 1 ? repeat(counter, i32(count), body) : body;
  const finished = finishCode(f, spec.epilogue?.activation, math);

  /** `height` rows x 4 `vectors` columns at (blockA, panelB, blockC). */
  const registerBlock = (height: number, vectors: number): Code => {
    const rows = indices(height);
    const each = (body: (row: number, vector: number) => Code): Code =>
      rows.map((row) => indices(vectors).map((vector) => body(row, vector)));
    const sum = (row: number, vector: number) => sums[row * vectors + vector];
    const multiplyAdd = (k: number): Code => [
      indices(vectors).map((vector) => rowOfB[vector].set(load(atB.get, 16 * (k * vectors + vector)))),
      rows.map((row) => [
        valueOfA.set(loadSplat(atA[row].get, 4 * k)),
        indices(vectors).map((vector) =>
          sum(row, vector).set(math.madd(valueOfA.get, rowOfB[vector].get, sum(row, vector).get))
        ),
      ]),
    ];
    const finish = (row: number, vector: number): Code => {
      const at = 4 * (row * spec.rowStepC + 4 * vector);
      let value: Code = sum(row, vector).get;
      if (spec.epilogue) {
        value = vadd(value, load(panelBias.get, 16 * vector));
        value = finished(value, addends.map((addend) => load(add(blockC.get, addend.get), at)));
      }
      return store(blockC.get, value, at);
    };
    return [
      each((row, vector) => sum(row, vector).set(zero)),
      atB.set(panelB.get),
      rows.map((row) => atA[row].set(add(blockA.get, i32(4 * row * spec.rowStepA)))),
      repeatMaybe(segment, i32(spec.segments), [
        repeated(run, runs, [
          repeat(step, i32(spec.depth / unroll), [
            indices(unroll).map(multiplyAdd),
            rows.map((row) => atA[row].increase(i32(4 * unroll))),
            atB.increase(i32(16 * vectors * unroll)),
          ]),
          runs > 1 ? rows.map((row) => atA[row].increase(i32(4 * (runStep - spec.depth)))) : [],
        ]),
        rows.map((row) => atA[row].increase(add(segmentStep.get, i32(-4 * rowLength)))),
      ]),
      each(finish),
      blockA.increase(i32(4 * height * spec.rowStepA)),
      blockC.increase(i32(4 * height * spec.rowStepC)),
    ];
  };

  /** All rows of 4 `vectors` columns. */
  const panelOf = (vectors: number): Code => [
    blockA.set(a.get),
    blockC.set(panelC.get),
    repeatMaybe(block, divide(rows.get, i32(GEMM_ROWS)), registerBlock(GEMM_ROWS, vectors)),
    rest.set(remainder(rows.get, i32(GEMM_ROWS))),
    REST_ROWS.map((height) => [
      repeatMaybe(block, divide(rest.get, i32(height)), registerBlock(height, vectors)),
      rest.set(remainder(rest.get, i32(height))),
    ]),
    panelB.increase(i32(16 * vectors * spec.depth * runs * spec.segments)),
    panelC.increase(i32(16 * vectors)),
    panelBias.increase(i32(16 * vectors)),
  ];

  f.emit(repeat(batch, batches.get, [
    panelB.set(b.get),
    panelC.set(c.get),
    panelBias.set(bias.get),
    repeatMaybe(panel, i32(Math.floor(spec.columns / 8)), panelOf(2)),
    spec.columns % 8 > 0 ? panelOf(1) : [],
    a.increase(batchStepA.get),
    b.increase(batchStepB.get),
    c.increase(batchStepC.get),
  ]));
  return assemble([f]);
}

/**
 * Writes B (depth x columns) in the order in which {@link gemm} reads it: panels of 8 columns, the last one of 4 where
 * columns ask for it, each depth x 8.
 *
 * @param at the value in a row and column
 */
export function packPanels(
  depth: number,
  columns: number,
  at: (row: number, column: number) => number,
  into: Float32Array,
): void {
  let position = 0;
  for (let first = 0; first < columns; first += 8) {
    const end = Math.min(first + 8, columns);
    for (let row = 0; row < depth; row++) {
      for (let column = first; column < end; column++) into[position++] = at(row, column);
    }
  }
}
