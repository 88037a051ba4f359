import type { GriddingTable } from "../gridding_kernel.ts";
import type { Arena } from "./arena.ts";
import { recordLength, vectorsOf } from "./wasm/gridding.ts";

/** Addresses of a table's parts in the arena, one entry or record per sample in sorted order. */
export interface GriddingRecords {
  /** Places among the samples of the input or output. */
  readonly order: number;
  /** First grid rows. */
  readonly rows: number;
  /** First grid columns, in bytes of whole vectors. */
  readonly columns: number;
  /** Records of weights. */
  readonly weights: number;
}

const known: WeakMap<Arena, WeakMap<GriddingTable, GriddingRecords>> = new WeakMap();

/** Gives the memory of tables that are garbage back. */
const collected = new FinalizationRegistry<{ arena: Arena; address: number; bytes: number }>(
  ({ arena, address, bytes }) => arena.release(address, bytes),
);

/** A table's parts, written into the arena once per table object; undefined when the arena has no room for them. */
export function griddingRecords(arena: Arena, table: GriddingTable): GriddingRecords | undefined {
  let tables = known.get(arena);
  if (tables === undefined) known.set(arena, tables = new WeakMap());
  let records = tables.get(table);
  if (records !== undefined) return records;
  const { taps, order, rows, columns, weights } = table;
  const samples = order.length, length = recordLength(taps);
  const bytes = 4 * samples * (length + 3);
  const address = arena.allocate(bytes);
  if (address === undefined) return undefined;
  records = {
    weights: address,
    order: address + 4 * samples * length,
    rows: address + 4 * samples * (length + 1),
    columns: address + 4 * samples * (length + 2),
  };
  const words = (at: number) => new Int32Array(arena.memory.buffer, at, samples);
  words(records.order).set(order);
  words(records.rows).set(rows);
  const starts = words(records.columns), target = arena.view(address, samples * length).fill(0);
  const rowsAt = 4 * vectorsOf(taps);
  for (let s = 0; s < samples; s++) {
    const lead = columns[s] & 3, from = 2 * taps * s, to = length * s;
    starts[s] = 4 * (columns[s] - lead);
    for (let k = 0; k < taps; k++) {
      target[to + rowsAt + k] = weights[from + k];
      target[to + lead + k] = weights[from + taps + k];
    }
  }
  tables.set(table, records);
  collected.register(table, { arena, address, bytes });
  return records;
}
