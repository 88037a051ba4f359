import type { Arena } from "./arena.ts";
import type { CpuFeatureMap } from "./feature_map.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork } from "./threads/shared_work.ts";
import { interleave, type InterleaveSpec } from "./wasm/interleave.ts";
import type { KernelCache } from "./wasm/kernels.ts";

/** Values below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 18;
/** Rows of a task at least. */
const ROWS = 8;

/** The kernels, by the number of channels in a block, from planes and back. */
const SPECS: readonly (readonly InterleaveSpec[])[] = [false, true].map((back) =>
  [0, 1, 2, 3, 4].map((channels) => Object.freeze({ back, channels }))
);

/**
 * Copies planes (channels, height, width), row by row so that pixels stay in the cache, into a feature map, or back.
 *
 * @param planes the address of the first plane in the arena
 * @param back from the map to the planes
 */
export function transferMap(
  arena: Arena,
  cache: KernelCache,
  threads: ThreadPool | undefined,
  map: CpuFeatureMap,
  planes: number,
  back: boolean,
): void {
  const { channels, height, width } = map;
  const worth = channels * height * width >= WORTH_SHARING;
  const whole = Math.floor(channels / 4), rest = channels % 4;
  const pool = worth ? threads : undefined;
  doWork(arena, cache, pool, {
    units: height,
    grain: Math.max(ROWS, Math.ceil(height / (4 * (pool?.size ?? 1)))),
    scratchBytes: 0,
    run(kernels, _scratch, first, end) {
      const copy = (block: number, blocks: number, count: number) =>
        kernels.get(interleave, SPECS[Number(back)][count])(
          planes + 4 * (4 * block * height + first) * width,
          4 * height * width,
          4 * width,
          map.origin + first * map.rowBytes + 16 * block,
          4 * map.pixel,
          map.rowBytes,
          end - first,
          width,
          blocks,
        );
      if (whole > 0) copy(0, whole, 4);
      if (rest > 0) copy(whole, 1, rest);
    },
  });
}
