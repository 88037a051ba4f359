import type { AxisTable } from "../../compute/kernel.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import { computedArray, type DeviceArray, numelOf } from "../array.ts";

/**
 * Applies a sparse matrix along dimension `dim`: the extent becomes the table's number of rows.
 *
 * @throws {InvalidArgumentError} when the extent is not the table's number of columns
 */
export function applyAlong(array: DeviceArray, dim: number, table: AxisTable): DeviceArray {
  if (array.shape[dim] !== table.columns) {
    throw new InvalidArgumentError(
      "apply a table along an axis",
      `dimension ${dim}`,
      `of extent ${table.columns}`,
      String(array.shape[dim]),
    );
  }
  const shape = [...array.shape];
  shape[dim] = table.offsets.length - 1;
  const outer = numelOf(shape.slice(0, dim)), inner = numelOf(shape.slice(dim + 1));
  return computedArray(array.storage.device, shape, { kind: "axis", outer, inner, table }, [array]);
}

/** A table with one source per row; a negative source leaves the row empty (zero). */
export function gatherTable(columns: number, sources: readonly number[]): AxisTable {
  const offsets = new Int32Array(sources.length + 1);
  const indices: number[] = [];
  sources.forEach((source, row) => {
    if (source >= 0) indices.push(source);
    offsets[row + 1] = indices.length;
  });
  return { columns, offsets, indices: Int32Array.from(indices) };
}

/** The transposed matrix, which is the table of the adjoint. Rows list their entries in ascending order. */
export function transposeTable(table: AxisTable): AxisTable {
  const { columns, offsets: from, indices: sources, weights } = table;
  const rows = from.length - 1;
  const offsets = new Int32Array(columns + 1);
  for (const source of sources) offsets[source + 1]++;
  for (let c = 0; c < columns; c++) offsets[c + 1] += offsets[c];
  const next = offsets.slice(0, columns);
  const indices = new Int32Array(sources.length);
  const turned = weights && new Float32Array(sources.length);
  for (let row = 0; row < rows; row++) {
    for (let k = from[row]; k < from[row + 1]; k++) {
      const at = next[sources[k]]++;
      indices[at] = row;
      if (turned && weights) turned[at] = weights[k];
    }
  }
  return { columns: rows, offsets, indices, weights: turned };
}

/** Applies sparse matrices along dimensions, one after the other. */
export function applyTables(
  array: DeviceArray,
  tables: readonly { readonly dim: number; readonly table: AxisTable }[],
): DeviceArray {
  let current: DeviceArray = { storage: array.storage.retain(), shape: array.shape };
  for (const { dim, table } of tables) {
    const previous = current;
    try {
      current = applyAlong(previous, dim, table);
    } finally {
      previous.storage.release();
    }
  }
  return current;
}
