import type { AxisTable } from "../../compute/kernel.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import type { DeviceArray } from "../array.ts";
import { applyTables, gatherTable, transposeTable } from "./axis.ts";

/**
 * How an array continues past its border: with zeros, periodically, mirrored about the border sample (which is not
 * repeated), or with the border sample.
 */
export type PaddingMode = "constant" | "circular" | "reflect" | "replicate";

/** The modes, for checks and messages. */
export const PADDING_MODES: readonly PaddingMode[] = ["constant", "circular", "reflect", "replicate"];

/** Padding amounts of one dimension. */
export interface AxisPadding {
  readonly dim: number;
  readonly before: number;
  readonly after: number;
}

/** A sparse matrix and the dimension that it is for. */
interface PlacedTable {
  readonly dim: number;
  readonly table: AxisTable;
}

/**
 * The tables of a padding and of its adjoint (fold-back), for arrays whose extents are `shape`. Dimensions with nothing
 * to add have none.
 *
 * @throws {InvalidArgumentError} when an amount is not a whole number >= 0, a mirror is as long as the axis, or samples of
 * an empty axis are wanted
 */
export function paddingTables(
  shape: readonly number[],
  amounts: readonly AxisPadding[],
  mode: PaddingMode,
): { pad: PlacedTable[]; fold: PlacedTable[] } {
  const pairs = amounts
    .filter(({ before, after }) => before !== 0 || after !== 0)
    .map(({ dim, before, after }) => ({ dim, ...paddingPair(shape[dim], before, after, mode) }));
  return {
    pad: pairs.map(({ dim, pad }) => ({ dim, table: pad })),
    fold: pairs.map(({ dim, fold }) => ({ dim, table: fold })).reverse(),
  };
}

/**
 * Pads the last dimensions.
 *
 * @param amounts [before, after] per dimension, outermost first
 * @throws {InvalidArgumentError} for an unknown mode, and as {@link paddingTables}
 */
export function pad(
  array: DeviceArray,
  amounts: readonly (readonly [before: number, after: number])[],
  mode: PaddingMode,
): DeviceArray {
  const rank = array.shape.length;
  if (!PADDING_MODES.includes(mode)) {
    const modes = PADDING_MODES.map((name) => `"${name}"`).join(", ");
    throw new InvalidArgumentError("pad", "the mode", `one of ${modes}`, `"${mode}"`);
  }
  if (amounts.length > rank) {
    throw new InvalidArgumentError(
      "pad",
      "amounts",
      `for at most ${rank} dimensions`,
      String(amounts.length),
    );
  }
  const axes = amounts.map(([before, after], k) => ({ dim: rank - amounts.length + k, before, after }));
  return applyTables(array, paddingTables(array.shape, axes, mode).pad);
}

/** A padding and its adjoint as tables. */
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
    checkAmounts(length, before, after, mode);
    const sources = Array.from(
      { length: before + length + after },
      (_, i) => sourceOf(i - before, length, mode),
    );
    const pad = gatherTable(length, sources);
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

function checkAmounts(length: number, before: number, after: number, mode: PaddingMode): void {
  const most = mode === "reflect"
    ? Math.max(0, length - 1)
    : mode === "constant" || length > 0
    ? Infinity
    : 0;
  if (![before, after].every((amount) => Number.isInteger(amount) && amount >= 0 && amount <= most)) {
    throw new InvalidArgumentError(
      `pad with mode "${mode}"`,
      "the padding",
      most === Infinity ? "whole numbers >= 0" : `whole numbers in [0, ${most}] for an axis of ${length}`,
      `${before} before and ${after} after`,
    );
  }
}
