import type { AxisTable } from "../../compute/kernel.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import type { DeviceArray } from "../array.ts";
import { applyAlong, gatherTable, transposeTable } from "./axis.ts";

/**
 * How an array continues past its border: with zeros, periodically, mirrored about the border sample (which is not
 * repeated), or with the border sample.
 */
export type PaddingMode = "constant" | "circular" | "reflect" | "replicate";

/** The modes, for checks and messages. */
export const PADDING_MODES: readonly PaddingMode[] = ["constant", "circular", "reflect", "replicate"];

/** The table that extends an axis of `length` by `before` and `after` samples. */
export function paddingTable(length: number, before: number, after: number, mode: PaddingMode): AxisTable {
  checkExtent(length, before, after, mode);
  const total = before + length + after;
  return gatherTable(length, Array.from({ length: total }, (_, i) => sourceOf(i - before, length, mode)));
}

/** A padding and its adjoint (fold-back) as tables. */
interface PaddingPair {
  readonly pad: AxisTable;
  readonly fold: AxisTable;
}

/** Pairs made before, least recently used first: devices keep what they uploaded for a table by its identity. */
const known = new Map<string, PaddingPair>();
const MOST_KNOWN = 256;

function paddingPair(length: number, before: number, after: number, mode: PaddingMode): PaddingPair {
  const key = `${length} ${before} ${after} ${mode}`;
  let pair = known.get(key);
  if (pair) known.delete(key);
  else {
    const pad = paddingTable(length, before, after, mode);
    pair = { pad, fold: transposeTable(pad) };
  }
  known.set(key, pair);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value!);
  return pair;
}

function sourceOf(position: number, length: number, mode: PaddingMode): number {
  if (position >= 0 && position < length) return position;
  switch (mode) {
    case "constant":
      return -1;
    case "circular":
      return ((position % length) + length) % length;
    case "replicate":
      return position < 0 ? 0 : length - 1;
    case "reflect":
      return position < 0 ? -position : 2 * (length - 1) - position;
    default:
      return mode satisfies never;
  }
}

/** PyTorch's limits: a mirror needs the samples it shows, and a period is repeated at most once on each side. */
function checkExtent(length: number, before: number, after: number, mode: PaddingMode): void {
  const most = mode === "reflect"
    ? length - 1
    : mode === "circular"
    ? length
    : mode === "replicate" && length === 0
    ? 0
    : Infinity;
  if (before < 0 || after < 0 || Math.max(before, after) > most) {
    throw new InvalidArgumentError(
      `pad with mode "${mode}"`,
      "the padding",
      most === Infinity ? ">= 0" : `in [0, ${Math.max(0, most)}] for an axis of ${length}`,
      `${before} before and ${after} after`,
    );
  }
}

/** Pads along several dimensions, one table each; dimensions with nothing to add are left alone. */
export function applyTables(
  array: DeviceArray,
  tables: readonly { dim: number; table: AxisTable }[],
): DeviceArray {
  let current = array;
  for (const { dim, table } of tables) {
    const next = applyAlong(current, dim, table);
    if (current !== array) current.storage.release();
    current = next;
  }
  return current === array ? { storage: array.storage.retain(), shape: array.shape } : current;
}

/** Padding amounts of one dimension. */
export interface AxisPadding {
  readonly dim: number;
  readonly before: number;
  readonly after: number;
}

/** The tables of a padding and of its adjoint (fold-back), for arrays whose extents are `shape`. */
export function paddingTables(
  shape: readonly number[],
  amounts: readonly AxisPadding[],
  mode: PaddingMode,
): { pad: { dim: number; table: AxisTable }[]; fold: { dim: number; table: AxisTable }[] } {
  const pairs = amounts
    .filter(({ before, after }) => before !== 0 || after !== 0)
    .map(({ dim, before, after }) => ({ dim, ...paddingPair(shape[dim], before, after, mode) }));
  return {
    pad: pairs.map(({ dim, pad }) => ({ dim, table: pad })),
    fold: pairs.map(({ dim, fold }) => ({ dim, table: fold })).reverse(),
  };
}
