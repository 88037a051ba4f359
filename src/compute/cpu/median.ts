import type { MedianKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { median as medianAnywhere } from "./kernels/median.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { medians } from "./wasm/median.ts";

/** Values of the largest window whose exchanges are written out: 7 x 7. */
const MOST_TAPS = 49;
/** Exchanges below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 21;

/**
 * Runs a {@link MedianKernel}: windows of up to 49 values by exchanges of whole vectors, whose rows threads share; larger
 * windows, and arrays outside the arena, by selection on the calling thread.
 */
export function median(
  arena: Arena,
  kernel: MedianKernel,
  x: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { planes, height, width, windowHeight, windowWidth } = kernel;
  const rows = height - windowHeight + 1, columns = width - windowWidth + 1;
  const taps = windowHeight * windowWidth, units = planes * rows;
  if (taps > MOST_TAPS || !arena.owns(x) || !arena.owns(output)) return medianAnywhere(kernel, x, output);
  if (units === 0 || columns === 0) return;
  const spec = Object.freeze({ windowHeight, windowWidth });
  const threads = units * columns * taps * taps >= WORTH_SHARING ? pool : undefined;
  doWork(arena, kernelsOf(arena), threads, {
    units,
    grain: grainOf(units, threads),
    scratchBytes: 0,
    run(kernels, _scratch, first, end) {
      const run = kernels.get(medians, spec);
      for (let unit = first; unit < end; unit++) {
        const row = Math.floor(unit / rows) * height + unit % rows;
        run(x.byteOffset + 4 * row * width, 4 * width, output.byteOffset + 4 * unit * columns, columns);
      }
    },
  });
}
