import { PADDING_MODES } from "../../tensor/ops/pad.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import { STRATEGY_NAMES, type StrategyChoice } from "./create.ts";
import { oneOf, requireNoGap, type TilingOptions } from "./overlap_tiling.ts";
import { BLENDS } from "./window.ts";

/** What a strategy has. */
const METHODS = ["getNumPatches", "getLocalPatches", "reducePatches"] as const;

/**
 * Refuses tiling options that no signal could be cut by, before there is one.
 *
 * @throws {InvalidArgumentError} for sizes that are not whole numbers in range, lists of different lengths, and unknown
 * strategies, blends and paddings
 */
export function checkTilingOptions(options: TilingOptions & { tilingStrategy?: StrategyChoice }): void {
  const { tilingStrategy, blend, padding, tilingDims, patchSize = 256, stride } = options;
  if (blend !== undefined) oneOf("blend", blend, BLENDS);
  if (padding !== undefined) oneOf("padding", padding, PADDING_MODES);
  checkStrategy(tilingStrategy);
  for (const [name, least] of [["patchSize", 1], ["overlap", 0], ["stride", 1]] as const) {
    checkNumbers(name, options[name], (v) => v >= least, `a whole number >= ${least}`);
  }
  checkNumbers("tilingDims", tilingDims ?? undefined, () => true, "a whole number");
  const dims = Array.isArray(tilingDims) ? tilingDims : undefined;
  if (dims && new Set(dims).size !== dims.length) refuse("tilingDims", "different dimensions", `[${dims}]`);
  const count = dims?.length ?? (typeof tilingDims === "number" ? 1 : undefined);
  for (const name of ["patchSize", "overlap", "stride"] as const) {
    const value = options[name];
    if (count === undefined || !Array.isArray(value) || value.length === count) continue;
    refuse(name, `a whole number, or one for each of the ${count} tiled dimensions`, `[${value}]`);
  }
  if (typeof patchSize === "number" && typeof stride === "number") requireNoGap(stride, patchSize);
}

function checkStrategy(choice: StrategyChoice | undefined): void {
  if (choice === undefined || typeof choice === "function") return;
  if (typeof choice === "string") oneOf("tilingStrategy", choice, STRATEGY_NAMES);
  else if (!METHODS.every((method) => typeof choice?.[method] === "function")) {
    refuse("tilingStrategy", "a name, a strategy, or what makes one", String(choice));
  }
}

function checkNumbers(
  name: string,
  value: number | readonly number[] | undefined,
  fits: (value: number) => boolean,
  requirement: string,
): void {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value ?? 1];
  const all = values.length > 0 && values.every((v) => Number.isInteger(v) && fits(v as number));
  if (!all) {
    refuse(name, `${requirement}, or a list of them`, Array.isArray(value) ? `[${value}]` : String(value));
  }
}

function refuse(name: string, requirement: string, got: string): never {
  throw new InvalidArgumentError("tile a signal", name, requirement, got);
}
