import { InvalidArgumentError } from "../../util/errors.ts";
import { sameShape } from "../../tensor/tensor.ts";
import { BasicStrategy } from "./basic.ts";
import { SmartTilingStrategy, type TilingOptions } from "./overlap_tiling.ts";
import { DistributedSignalStrategy, type StrategyClass } from "./strategy.ts";

/** The names that `createStrategy` knows. */
export type StrategyName = "overlap_tiling" | "smart_tiling" | "basic";

/** The names, for checks and messages. */
export const STRATEGY_NAMES: readonly StrategyName[] = ["overlap_tiling", "smart_tiling", "basic"];

/** Makes a strategy for signals of one shape. */
export type StrategyFactory = (
  imgSize: readonly number[],
  options: TilingOptions,
) => DistributedSignalStrategy;

/** What `tilingStrategy` may be: a name, a class, a function that makes a strategy, or a strategy. */
export type StrategyChoice = StrategyName | DistributedSignalStrategy | StrategyClass | StrategyFactory;

/**
 * A strategy by name.
 *
 * @param imgSize the full shape of the signals, for images (B, C, H, W)
 * @throws {InvalidArgumentError} for an unknown name
 *
 * @example Tiles with a halo, cut and joined
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStrategy, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const tiling = createStrategy("overlap_tiling", [1, 3, 40, 50], { patchSize: 20, overlap: 4, blend: "hann" });
 * const x = Tensor.randn([1, 3, 40, 50], { seed: 1 });
 * const patches = tiling.getLocalPatches(x, [0, 1, 2, 3, 4, 5]);
 * assert.equal(tiling.getNumPatches(), 6); // 2 x 3
 * assert.deepEqual(patches[0][1].shape, [1, 3, 28, 28]); // 4 more on every side
 * const out = Tensor.zeros(x.shape);
 * tiling.reducePatches(out, patches); // neighbours fade into each other, with weights that sum to one
 * assert(await out.sub(x).abs().max().item() < 1e-5);
 * ```
 */
export function createStrategy(
  name: StrategyName,
  imgSize: readonly number[],
  options: TilingOptions = {},
): DistributedSignalStrategy {
  switch (name) {
    case "overlap_tiling":
    case "smart_tiling":
      return new SmartTilingStrategy(imgSize, options);
    case "basic":
      return new BasicStrategy(imgSize, options);
    default:
      name satisfies never;
      throw new InvalidArgumentError(
        "create a strategy",
        "tilingStrategy",
        '"overlap_tiling", "smart_tiling" or "basic"',
        `"${name}"`,
      );
  }
}

/** The strategy of signals of one shape. */
export function strategyFor(
  choice: StrategyChoice = "overlap_tiling",
  imgSize: readonly number[],
  options: TilingOptions = {},
): DistributedSignalStrategy {
  if (typeof choice === "string") return createStrategy(choice, imgSize, options);
  if (typeof choice !== "function") {
    return !choice.imgSize || sameShape(choice.imgSize, imgSize) ? choice : choice.forShape(imgSize);
  }
  return isClass(choice) ? new choice(imgSize, options as never) : choice(imgSize, options);
}

function isClass(choice: StrategyClass | StrategyFactory): choice is StrategyClass {
  return choice.prototype instanceof DistributedSignalStrategy;
}
