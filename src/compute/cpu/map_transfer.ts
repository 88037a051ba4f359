import type { Arena } from "./arena.ts";
import type { CpuFeatureMap } from "./feature_map.ts";
import { interleaveRows } from "./interleave_rows.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork } from "./threads/shared_work.ts";
import type { KernelCache } from "./wasm/kernels.ts";

/** Values below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 18;
/** Rows of a task at least. */
const ROWS = 8;

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
  const pool = worth ? threads : undefined;
  doWork(arena, cache, pool, {
    units: height,
    grain: Math.max(ROWS, Math.ceil(height / (4 * (pool?.size ?? 1)))),
    scratchBytes: 0,
    run(kernels, _scratch, first, end) {
      interleaveRows(kernels, back, {
        planes: planes + 4 * first * width,
        planeBytes: 4 * height * width,
        planesRow: 4 * width,
        map: map.origin + first * map.rowBytes,
        pixelBytes: 4 * map.pixel,
        mapRow: map.rowBytes,
        channels,
        rows: end - first,
        columns: width,
      });
    },
  });
}
