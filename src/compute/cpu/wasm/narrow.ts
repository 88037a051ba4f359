import { and, assemble, divide, FunctionBuilder, i32, repeatMaybe } from "./emitter.ts";
import { load, shuffle, store, storeLane } from "./simd.ts";
import { loadHalf, pack } from "./simd64.ts";

/** The module of `narrow(from, fromRowBytes, to, toRowBytes, rows, columns)`: float32 from float64. */
export function narrow(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("narrow", 6);
  const [from, fromRow, to, toRow, rows, columns] = f.parameters;
  const [row, counter, source, target] = f.i32s(4);
  const value = f.v128();
  f.emit(repeatMaybe(row, rows.get, [
    source.set(from.get),
    target.set(to.get),
    repeatMaybe(counter, divide(columns.get, i32(4)), [
      value.set(shuffle(pack(load(source.get)), pack(load(source.get, 16)), [0, 1, 4, 5])),
      store(target.get, value.get),
      source.increase(i32(32)),
      target.increase(i32(16)),
    ]),
    repeatMaybe(counter, and(columns.get, i32(3)), [
      value.set(pack(loadHalf(source.get))),
      storeLane(target.get, value.get, 0),
      source.increase(i32(8)),
      target.increase(i32(4)),
    ]),
    from.increase(fromRow.get),
    to.increase(toRow.get),
  ]));
  return assemble([f]);
}
