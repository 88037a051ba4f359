import {
  and,
  assemble,
  type Code,
  divide,
  equal,
  FunctionBuilder,
  i32,
  multiply,
  repeatMaybe,
  subtract,
} from "./emitter.ts";
import { load, loadSplat, shuffle, store, unpack } from "./simd.ts";
import { add64, loadHalf, multiply64, storeHalf } from "./simd64.ts";

/**
 * The module of `tap(sums, sumRow, sumStep, x, xRow, xStep, weight, rows, columns)`: sums[i][j] += weight x[i][j], float64
 * += float32, rows and values so many bytes apart; `weight` is an address.
 */
export function convolveTap(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("tap", 9);
  const [sums, sumRow, sumStep, x, xRow, xStep, weight, rows, columns] = f.parameters;
  const [row, counter, whole, to, from] = f.i32s(5);
  const [factor, value] = f.v128s(2);
  const addTo = (offset: number, values: Code): Code =>
    store(to.get, add64(load(to.get, offset), multiply64(factor.get, unpack(values))), offset);
  f.emit(
    factor.set(unpack(loadSplat(weight.get))),
    // side by side on both sides: four at a time
    whole.set(multiply(
      divide(columns.get, i32(4)),
      and(equal(sumStep.get, i32(8)), equal(xStep.get, i32(4))),
    )),
    repeatMaybe(row, rows.get, [
      to.set(sums.get),
      from.set(x.get),
      repeatMaybe(counter, whole.get, [
        value.set(load(from.get)),
        addTo(0, value.get),
        addTo(16, shuffle(value.get, value.get, [2, 3, 2, 3])),
        to.increase(i32(32)),
        from.increase(i32(16)),
      ]),
      repeatMaybe(counter, subtract(columns.get, multiply(whole.get, i32(4))), [
        storeHalf(to.get, add64(loadHalf(to.get), multiply64(factor.get, unpack(loadSplat(from.get))))),
        to.increase(sumStep.get),
        from.increase(xStep.get),
      ]),
      sums.increase(sumRow.get),
      x.increase(xRow.get),
    ]),
  );
  return assemble([f]);
}
