import { InvalidArgumentError } from "../../util/errors.ts";
import { BasicStrategy } from "./basic.ts";
import { SmartTilingStrategy, type TilingOptions } from "./overlap_tiling.ts";
import type { DistributedSignalStrategy } from "./strategy.ts";

/** The names that `createStrategy` knows. */
export type StrategyName = "overlap_tiling" | "smart_tiling" | "basic";

/**
 * A strategy by name.
 *
 * @param imgSize the full shape of the signals, for images (B, C, H, W)
 * @throws {InvalidArgumentError} for an unknown name
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
