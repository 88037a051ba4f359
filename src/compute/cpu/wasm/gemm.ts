import {
  add,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  type Local,
  remainder,
  repeat,
  repeatMaybe,
} from "./emitter.ts";
import { type Arithmetic, load, loadSplat, store, vadd, vmax, zero } from "./simd.ts";

/** A family of small matrix products with a packed right-hand side; all sizes are multiples of 4 values. */
export interface GemmSpec {
  /** Values of one segment of a row of A: contiguous. */
  readonly depth: number;
  /** Segments that make up a row of A (the rows of a filter); 1 for an ordinary matrix. */
  readonly segments: number;
  /** Columns of B and C. */
  readonly columns: number;
  /** Values from one row of A to the next. */
  readonly rowStepA: number;
  /** Values from one row of C to the next. */
  readonly rowStepC: number;
  /** What happens to a result before it is stored: bias and activation, then addends; absent: nothing. */
  readonly epilogue?: { readonly relu: boolean; readonly addends: number };
}

/** Rows of A that one register block holds: 6 rows x 8 columns are 12 accumulators of V8's 15 vector registers. */
export const GEMM_ROWS = 6;

/**
 * The module of `gemm(a, b, c, rows, batches, segmentStep, batchStepA, batchStepB, batchStepC, bias, addend0, addend1)`:
 *
 *     C[n][i][j] = sum_{s, k} A[n][i][s][k] B[n][s][k][j]
 *
 * Steps are in bytes. B is packed by {@link packPanels}. Addends share C's layout and are given as their distance from c
 * in bytes (modulo 2^32). Reads and writes nothing outside `rows` rows.
 */
export function gemm(spec: GemmSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("gemm", 12);
  const [a, b, c, rows, batches, segmentStep, batchStepA, batchStepB, batchStepC, bias] = range(10, f);
  const addends = [f.parameter(10), f.parameter(11)].slice(0, spec.epilogue?.addends ?? 0);
  const [batch, panel, block, segment, k, pa, pc, pb, panelB, panelC, panelBias] = Array.from(
    { length: 11 },
    () => f.i32(),
  );
  const pks = indices(GEMM_ROWS).map(() => f.i32());
  const registers = { sums: f.v128s(2 * GEMM_ROWS), b: f.v128s(2), a: f.v128() };
  const unroll = [16, 12, 8, 4].find((count) => spec.depth % count === 0)!;

  /** `height` rows x `vectors` x 4 columns at (pa, panelB, pc). */
  function block_(height: number, vectors: number): Code {
    const sum = (row: number, v: number) => registers.sums[row * vectors + v]!;
    const each = (body: (row: number, v: number) => Code): Code =>
      Array.from({ length: height * vectors }, (_, i) => body(Math.floor(i / vectors), i % vectors));
    const step = (kk: number): Code => [
      indices(vectors).map((v) => registers.b[v]!.set(load(pb.get, 16 * (kk * vectors + v)))),
      indices(height).map((row) => [
        registers.a.set(loadSplat(pks[row]!.get, 4 * kk)),
        indices(vectors).map((v) =>
          sum(row, v).set(math.madd(registers.a.get, registers.b[v]!.get, sum(row, v).get))
        ),
      ]),
    ];
    const depth: Code = [
      repeat(k, i32(spec.depth / unroll), [
        indices(unroll).map(step),
        indices(height).map((row) => pks[row]!.increase(i32(4 * unroll))),
        pb.increase(i32(16 * vectors * unroll)),
      ]),
    ];
    const finish = (row: number, v: number): Code => {
      const at = 4 * (row * spec.rowStepC + 4 * v);
      let value: Code = sum(row, v).get;
      if (spec.epilogue) {
        value = vadd(value, load(panelBias.get, 16 * v));
        if (spec.epilogue.relu) value = vmax(value, zero);
        for (const addend of addends) value = vadd(value, load(add(pc.get, addend.get), at));
      }
      return store(pc.get, value, at);
    };
    return [
      each((row, v) => sum(row, v).set(zero)),
      pb.set(panelB.get),
      indices(height).map((row) => pks[row]!.set(add(pa.get, i32(4 * row * spec.rowStepA)))),
      spec.segments === 1 ? depth : repeat(segment, i32(spec.segments), [
        depth,
        indices(height).map((row) => pks[row]!.increase(add(segmentStep.get, i32(-4 * spec.depth)))),
      ]),
      each(finish),
      pa.increase(i32(4 * height * spec.rowStepA)),
      pc.increase(i32(4 * height * spec.rowStepC)),
    ];
  }

  function columns(vectors: number): Code {
    return [
      pa.set(a.get),
      pc.set(panelC.get),
      repeatMaybe(block, divide(rows.get, i32(GEMM_ROWS)), block_(GEMM_ROWS, vectors)),
      repeatMaybe(block, remainder(rows.get, i32(GEMM_ROWS)), block_(1, vectors)),
      panelB.increase(i32(16 * vectors * spec.depth * spec.segments)),
      panelC.increase(i32(16 * vectors)),
      panelBias.increase(i32(16 * vectors)),
    ];
  }

  const widePanels = Math.floor(spec.columns / 8);
  f.emit(
    repeat(batch, batches.get, [
      panelB.set(b.get),
      panelC.set(c.get),
      panelBias.set(bias.get),
      widePanels > 0 ? repeat(panel, i32(widePanels), columns(2)) : [],
      spec.columns % 8 > 0 ? columns(1) : [],
      a.increase(batchStepA.get),
      b.increase(batchStepB.get),
      c.increase(batchStepC.get),
    ]),
  );
  return assemble([f]);
}

/**
 * B (depth x columns, row-major by `at`) in the order in which {@link gemm} reads it: panels of 8 columns (the last one
 * 4), each depth x 8.
 */
export function packPanels(
  depth: number,
  columns: number,
  at: (row: number, column: number) => number,
  into: Float32Array,
): void {
  let position = 0;
  for (let first = 0; first < columns; first += 8) {
    const width = Math.min(8, columns - first);
    for (let row = 0; row < depth; row++) {
      for (let column = first; column < first + width; column++) into[position++] = at(row, column);
    }
  }
}

function range(count: number, f: FunctionBuilder): Local[] {
  return indices(count).map((i) => f.parameter(i));
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
