import {
  add,
  and,
  assemble,
  choose,
  type Code,
  divide,
  equal,
  FunctionBuilder,
  greater,
  i32,
  indices,
  type Local,
  multiply,
  remainder,
  repeat,
  subtract,
  when,
} from "./emitter.ts";
import type { Activation } from "../../conv_validation.ts";
import { finishCode } from "./activation.ts";
import { type Arithmetic, load, splat, store, vadd, vsub } from "./simd.ts";

/** Which maps {@link winogradOutput} writes, from which buffer. */
export interface WinogradOutputSpec {
  /** Values per pixel of the map: channels, a multiple of 4. */
  readonly pixel: number;
  /** Channels that the buffer holds, a multiple of 4. */
  readonly channels: number;
  /** Tiles between two transform positions of the buffer. */
  readonly batch: number;
  readonly activation: Activation;
  readonly addends: number;
}

/**
 * The module of `output(m, map, rowBytes, tilesPerRow, first, count, height, width, bias, addend0, addend1)`: the output
 * transform of Winograd's F(4x4, 3x3) for tiles first .. first + count, with everything that follows a convolution:
 *
 *     map[4 ty + i][4 tx + j][c] = activation((A' m A)[i][j][c] + bias[c]) + addends[4 ty + i][4 tx + j][c]
 *
 * `map` is the address of the image's first pixel; addends are given as their distance from it in bytes (modulo 2^32).
 * Of tiles that reach over the image's edge only the pixels inside (height x width) are touched.
 */
export function winogradOutput(spec: WinogradOutputSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("output", 11);
  const [m, map, rowBytes, tilesPerRow, first, count, height, width, bias, ...distances] = f.parameters;
  const addends = distances.slice(0, spec.addends);
  const [tile, group, column, tileRow, from, target, pixelRow, biasAt, rowsLeft, columnsLeft] = f.i32s(10);
  const d = f.v128s(6), t = f.v128s(4), o = f.v128s(4);
  const half = indices(4).map(() => f.v128s(6));
  const two = f.v128(), four = f.v128(), eight = f.v128();
  const finished = finishCode(f, spec.activation, math);
  const pixel = 4 * spec.pixel;
  const position = 4 * spec.channels * spec.batch;

  /** to = A' from, 10 additions and multiplications. */
  const transform = (source: readonly Local[], to: readonly Local[]): Code => {
    const [m0, m1, m2, m3, m4, m5] = source.map((x) => x.get);
    const [a, b, c, e] = t.map((x) => x.get);
    return [
      t[0].set(vadd(m1, m2)),
      t[1].set(vsub(m1, m2)),
      t[2].set(vadd(m3, m4)),
      t[3].set(vsub(m3, m4)),
      to[0].set(vadd(vadd(m0, a), c)),
      to[1].set(math.madd(e, two.get, b)),
      to[2].set(math.madd(c, four.get, a)),
      to[3].set(math.madd(e, eight.get, vadd(b, m5))),
    ];
  };

  /** Writes the tile; `partial`: only its pixels inside the image. */
  const write = (partial: boolean): Code => [
    pixelRow.set(target.get),
    indices(4).map((i) => [
      transform(half[i], o),
      indices(4).map((j) => {
        const value = finished(
          vadd(o[j].get, load(biasAt.get)),
          addends.map((addend) => load(add(pixelRow.get, addend.get), j * pixel)),
        );
        const stored = store(pixelRow.get, value, j * pixel);
        const inside = and(greater(rowsLeft.get, i32(i)), greater(columnsLeft.get, i32(j)));
        return partial ? when(inside, stored) : stored;
      }),
      pixelRow.increase(rowBytes.get),
    ]),
  ];

  f.emit(
    two.set(splat(2)),
    four.set(splat(4)),
    eight.set(splat(8)),
    tileRow.set(divide(first.get, tilesPerRow.get)),
    column.set(remainder(first.get, tilesPerRow.get)),
    repeat(tile, count.get, [
      rowsLeft.set(subtract(height.get, multiply(tileRow.get, i32(4)))),
      columnsLeft.set(subtract(width.get, multiply(column.get, i32(4)))),
      target.set(
        add(
          map.get,
          add(multiply(multiply(tileRow.get, i32(4)), rowBytes.get), multiply(column.get, i32(4 * pixel))),
        ),
      ),
      biasAt.set(bias.get),
      repeat(group, i32(spec.channels / 4), [
        from.set(m.get),
        indices(6).map((j) => [
          indices(6).map((i) => d[i].set(load(from.get, 6 * i * position))),
          transform(d, indices(4).map((i) => half[i][j])),
          from.increase(i32(position)),
        ]),
        choose(
          and(greater(rowsLeft.get, i32(3)), greater(columnsLeft.get, i32(3))),
          write(false),
          write(true),
        ),
        m.increase(i32(16)),
        target.increase(i32(16)),
        biasAt.increase(i32(16)),
      ]),
      column.increase(i32(1)),
      when(equal(column.get, tilesPerRow.get), column.set(i32(0)), tileRow.increase(i32(1))),
    ]),
  );
  return assemble([f]);
}
