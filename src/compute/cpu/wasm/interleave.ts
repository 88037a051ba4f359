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
  repeat,
  repeatMaybe,
} from "./emitter.ts";
import { load, loadLane, shuffle, store, storeLane, zero } from "./simd.ts";

/** Which values of four that lie side by side come from planes: the first 1 to 4, the others are zero. */
export interface InterleaveSpec {
  /** From pixels to planes instead. */
  readonly back: boolean;
  readonly channels: number;
}

/**
 * The module of `interleave(planes, planeBytes, planesRow, map, pixelBytes, mapRow, rows, columns, blocks)`: rows of
 * planes to rows of pixels whose channels lie side by side, or back; four channels (a block) and four columns at a time,
 * transposed. Rows' lengths in bytes.
 */
export function interleave(spec: InterleaveSpec): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("interleave", 9);
  const [planes, planeBytes, planesRow, map, pixelBytes, mapRow, rows, columns, blocks] = f.parameters;
  const [row, block, counter, pixel, planeBlock, mapBlock] = f.i32s(6);
  const plane = f.i32s(4).slice(0, spec.channels);
  const x = f.v128s(4), t = f.v128s(4);
  const advance = (bytes: number): Code => plane.map((at) => at.increase(i32(bytes)));
  const places = indices(4).map((j) => add(pixel.get, multiply(pixelBytes.get, i32(j))));

  /** x is replaced by its transpose. */
  const transpose: Code = [
    t[0].set(shuffle(x[0].get, x[1].get, [0, 4, 1, 5])),
    t[1].set(shuffle(x[2].get, x[3].get, [0, 4, 1, 5])),
    t[2].set(shuffle(x[0].get, x[1].get, [2, 6, 3, 7])),
    t[3].set(shuffle(x[2].get, x[3].get, [2, 6, 3, 7])),
    [0, 2].map((k) => [
      x[k].set(shuffle(t[k].get, t[k + 1].get, [0, 1, 4, 5])),
      x[k + 1].set(shuffle(t[k].get, t[k + 1].get, [2, 3, 6, 7])),
    ]),
  ];
  const four: Code = spec.back
    ? [
      places.map((at, j) => x[j].set(load(at))),
      transpose,
      plane.map((at, k) => store(at.get, x[k].get)),
    ]
    : [
      x.map((value, k) => value.set(k < plane.length ? load(plane[k].get) : zero)),
      transpose,
      places.map((at, j) => store(at, x[j].get)),
    ];
  const one: Code = spec.back
    ? [x[0].set(load(pixel.get)), plane.map((at, k) => storeLane(at.get, x[0].get, k))]
    : [
      x[0].set(zero),
      plane.map((at, k) => x[0].set(loadLane(at.get, x[0].get, k))),
      store(pixel.get, x[0].get),
    ];
  f.emit(repeat(row, rows.get, [
    planeBlock.set(planes.get),
    mapBlock.set(map.get),
    repeat(block, blocks.get, [
      pixel.set(mapBlock.get),
      plane.map((at, k) => at.set(add(planeBlock.get, multiply(planeBytes.get, i32(k))))),
      repeatMaybe(counter, divide(columns.get, i32(4)), [
        four,
        pixel.increase(multiply(pixelBytes.get, i32(4))),
        advance(16),
      ]),
      repeatMaybe(counter, and(columns.get, i32(3)), [one, pixel.increase(pixelBytes.get), advance(4)]),
      planeBlock.increase(multiply(planeBytes.get, i32(4))),
      mapBlock.increase(i32(16)),
    ]),
    planes.increase(planesRow.get),
    map.increase(mapRow.get),
  ]));
  return assemble([f]);
}
