import {
  add,
  and,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  i32,
  type Local,
  repeatMaybe,
} from "./emitter.ts";
import { load, loadSplat, simd, splat, store, storeLane } from "./simd.ts";

/** A {@link medians} module. */
export interface MedianSpec {
  readonly windowHeight: number;
  readonly windowWidth: number;
}

/**
 * The module of `medians(x, rowBytes, out, columns)`: the lower medians of the windows that begin at `columns`
 * neighbouring values, four at a time. Of (n + 3) / 2 of a window's n values, n odd, neither the smallest nor the largest
 * is the median: both are dropped, the next value joins, until three are left. An even window gets -Infinity as one more
 * value. Minimum and maximum of NaN and any value are NaN, so that a NaN takes over the window.
 */
export function medians({ windowHeight, windowWidth }: MedianSpec): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("medians", 4);
  const [x, rowBytes, out, columns] = f.parameters;
  const counter = f.i32();
  const rows = [x, ...f.i32s(windowHeight - 1)];
  const taps = windowHeight * windowWidth, isEven = taps % 2 === 0;
  const count = isEven ? taps + 1 : taps;
  const kept = f.v128s(Math.min(count, (count + 3) / 2));
  const smaller = f.v128();

  const median = (read: (row: Local, column: number) => Code): Code => {
    const value = (k: number): Code =>
      k === taps ? splat(-Infinity) : read(rows[Math.floor(k / windowWidth)], k % windowWidth);
    const body: Code[] = kept.map((local, k) => local.set(value(count - 1 - k)));
    const exchange = (a: Local, b: Local): Code => [
      smaller.set(simd(0xe8, a.get, b.get)),
      b.set(simd(0xe9, a.get, b.get)),
      a.set(smaller.get),
    ];
    let left = count - kept.length;
    for (let size = kept.length; size > 1; size--) {
      for (let k = 1; k < size; k++) body.push(exchange(kept[0], kept[k]));
      for (let k = 1; k < size - 1; k++) body.push(exchange(kept[k], kept[size - 1]));
      // the smallest makes room for the next value, and the largest is left behind
      if (size > 3) body.push(kept[0].set(value(--left)));
      else if (size > 1) {
        body.push(kept[0].set(kept[size === 3 ? 1 : 0].get));
        break;
      }
    }
    return body;
  };
  const advance = (bytes: number): Code => [...rows, out].map((cursor) => cursor.increase(i32(bytes)));
  f.emit(
    rows.slice(1).map((row, u) => row.set(add(rows[u].get, rowBytes.get))),
    repeatMaybe(counter, divide(columns.get, i32(4)), [
      median((row, column) => load(row.get, 4 * column)),
      store(out.get, kept[0].get),
      advance(16),
    ]),
    repeatMaybe(counter, and(columns.get, i32(3)), [
      median((row, column) => loadSplat(row.get, 4 * column)),
      storeLane(out.get, kept[0].get, 0),
      advance(4),
    ]),
  );
  return assemble([f]);
}
