import {
  add,
  assemble,
  type Code,
  divide,
  equal,
  FunctionBuilder,
  i32,
  indices,
  type Local,
  multiply,
  remainder,
  repeat,
  when,
} from "./emitter.ts";
import { type Arithmetic, load, splat, store, vadd, vsub } from "./simd.ts";

/** Which maps {@link winogradInput} reads, and how many tiles its buffer holds. */
export interface WinogradInputSpec {
  /** Values per pixel: channels, a multiple of 4. */
  readonly channels: number;
  /** Tiles between two transform positions of the buffer. */
  readonly batch: number;
  /** Values from one tile of the buffer to the next; by default `channels`. */
  readonly depth?: number;
  /** Pixels of the map from one that a tile reads to its neighbour in the row; default 1. */
  readonly step?: number;
}

/**
 * The module of `input(map, rowBytes, tilesPerRow, first, count, v)`: the input transform of Winograd's F(4x4, 3x3) for
 * tiles first .. first + count of a feature map (tile t covers output pixels from (4 floor(t / tilesPerRow),
 * 4 (t mod tilesPerRow)) on, and reads the 6x6 pixels around them):
 *
 *     v[6 i + j][t - first][c] = (B' d B)[i][j],  d = map[4 ty .. 4 ty + 6][4 tx .. 4 tx + 6][c]
 *
 * With a step, pixels (4 tx .. 4 tx + 6) step of a row; rows are `rowBytes` apart, which need not be neighbours.
 */
export function winogradInput(spec: WinogradInputSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("input", 6);
  const [map, rowBytes, tilesPerRow, first, count, v] = f.parameters;
  const [tile, group, column, tileRow, out] = f.i32s(5);
  const rows = f.i32s(6);
  const d = f.v128s(6), t = f.v128s(4), o = f.v128s(6);
  const half = indices(6).map(() => f.v128s(6));
  const four = f.v128(), two = f.v128();
  const { channels, depth = channels, step = 1 } = spec;
  const pixel = 4 * channels * step;
  const position = 4 * depth * spec.batch;

  /** to = B' from, 12 additions and multiplications. */
  const transform = (from: readonly Local[], to: readonly Local[]): Code => {
    const [d0, d1, d2, d3, d4, d5] = from.map((x) => x.get);
    const [a, b, c, e] = t.map((x) => x.get);
    return [
      t[0].set(math.nmadd(d2, four.get, d4)),
      t[1].set(math.nmadd(d1, four.get, d3)),
      t[2].set(vsub(d4, d2)),
      t[3].set(vsub(d3, d1)),
      to[0].set(math.madd(vsub(d0, d2), four.get, c)),
      to[5].set(math.nmadd(e, four.get, vsub(d5, d3))),
      to[1].set(vadd(a, b)),
      to[2].set(vsub(a, b)),
      to[3].set(math.madd(e, two.get, c)),
      to[4].set(math.nmadd(e, two.get, c)),
    ];
  };

  f.emit(
    four.set(splat(4)),
    two.set(splat(2)),
    tileRow.set(divide(first.get, tilesPerRow.get)),
    column.set(remainder(first.get, tilesPerRow.get)),
    repeat(tile, count.get, [
      rows[0].set(
        add(
          map.get,
          add(multiply(multiply(tileRow.get, i32(4)), rowBytes.get), multiply(column.get, i32(4 * pixel))),
        ),
      ),
      [1, 2, 3, 4, 5].map((i) => rows[i].set(add(rows[i - 1].get, rowBytes.get))),
      repeat(group, i32(channels / 4), [
        indices(6).map((j) => [
          indices(6).map((i) => d[i].set(load(rows[i].get, j * pixel))),
          transform(d, indices(6).map((i) => half[i][j])),
        ]),
        out.set(v.get),
        indices(6).map((i) => [
          transform(half[i], o),
          indices(6).map((j) => store(out.get, o[j].get, j * position)),
          out.increase(i32(6 * position)),
        ]),
        rows.map((row) => row.increase(i32(16))),
        v.increase(i32(16)),
      ]),
      depth > channels ? v.increase(i32(4 * (depth - channels))) : [],
      column.increase(i32(1)),
      when(equal(column.get, tilesPerRow.get), column.set(i32(0)), tileRow.increase(i32(1))),
    ]),
  );
  return assemble([f]);
}
