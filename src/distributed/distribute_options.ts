import { InvalidArgumentError } from "../util/errors.ts";
import { isBalanced } from "./assignment.ts";
import type { DistributedPriorOptions } from "./prior.ts";

/** What an object is, where its own type does not say. */
export type ObjectType = "auto" | "physics" | "linear_physics" | "data_fidelity" | "denoiser" | "prior";

/** How measurements reach every rank. All of them give the same result; one packed allGather is used. */
export type GatherStrategy = "concatenated" | "naive" | "broadcast";

/** Options of {@link distribute}. */
export interface DistributeOptions extends DistributedPriorOptions {
  /** What the object is; needed for factories. Default `"auto"`. */
  typeObject?: ObjectType;
  /** How many operators or fidelities a factory makes. */
  numOperators?: number;
  /** Given to a factory; rank 0's are used on every rank. Structured-clonable values. */
  factoryKwargs?: Record<string, unknown>;
  /** Default `"concatenated"`. */
  gatherStrategy?: GatherStrategy;
  /** How a data fidelity combines its operators' terms; default `"sum"`. */
  reduction?: "sum" | "mean";
  /**
   * What each operator costs, in any unit, for `assignment: "balanced"`; by default the operators' own numbers `cost`, and
   * where they have none, times measured before the first call.
   */
  costs?: readonly number[];
}

/** All options, so that a misspelt one is an error. */
const OPTIONS: Readonly<Record<keyof DistributeOptions, true>> = {
  typeObject: true,
  numOperators: true,
  factoryKwargs: true,
  gatherStrategy: true,
  reduction: true,
  costs: true,
  assignment: true,
  exactProx: true,
  tilingStrategy: true,
  maxBatchSize: true,
  patchSize: true,
  overlap: true,
  stride: true,
  tilingDims: true,
  blend: true,
  padding: true,
};

const GATHER_STRATEGIES: readonly GatherStrategy[] = ["concatenated", "naive", "broadcast"];
const OBJECT_TYPES: readonly ObjectType[] = [
  "auto",
  "physics",
  "linear_physics",
  "data_fidelity",
  "denoiser",
  "prior",
];

/**
 * Refuses options that are unknown, or out of range whatever is distributed.
 *
 * @throws {InvalidArgumentError} with what is allowed
 */
export function checkOptions(options: DistributeOptions): void {
  const { gatherStrategy, typeObject, reduction, factoryKwargs, exactProx } = options;
  for (const name of Object.keys(options)) oneOf("an option", name, Object.keys(OPTIONS));
  if (gatherStrategy !== undefined) oneOf("gatherStrategy", gatherStrategy, GATHER_STRATEGIES);
  if (typeObject !== undefined) oneOf("typeObject", typeObject, OBJECT_TYPES);
  if (reduction !== undefined) oneOf("reduction", reduction, ["sum", "mean"]);
  if (exactProx !== undefined && typeof exactProx !== "boolean") {
    throw new InvalidArgumentError("distribute", "exactProx", "true or false", String(exactProx));
  }
  isBalanced(options.assignment);
  try {
    structuredClone(factoryKwargs);
  } catch {
    const requirement = "made of values that can be sent to other ranks (structured-clonable)";
    throw new InvalidArgumentError("distribute", "factoryKwargs", requirement, "one that cannot");
  }
}

/** What has to be the same on all ranks whatever they are given. */
const SHARED = [
  "reduction",
  "costs",
  "assignment",
  "exactProx",
  "patchSize",
  "overlap",
  "stride",
  "tilingDims",
  "blend",
  "padding",
] as const;

/** The options that have to be the same on all ranks, as text. */
export function settingsOf(options: DistributeOptions): Record<string, string> {
  const strategy = options.tilingStrategy;
  const named = typeof strategy === "object" ? strategy.constructor : strategy;
  return {
    ...Object.fromEntries(SHARED.map((name) => [name, JSON.stringify(options[name]) ?? "none"])),
    tilingStrategy: typeof named === "function" ? named.name : named ?? "none",
  };
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): void {
  if (allowed.includes(value)) return;
  throw new InvalidArgumentError("distribute", name, allowed.map((a) => `"${a}"`).join(", "), `"${value}"`);
}
