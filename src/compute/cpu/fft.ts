import type { FftKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { FftGroups } from "./fft_groups.ts";
import { withInput, withOutput } from "./staging.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { fftLanes, type FftMoveSpec, fftRows, type FftRowsSpec } from "./wasm/fft_move.ts";
import { ELEMENT } from "./wasm/fft_stage.ts";
import { KernelCache, type Kernels } from "./wasm/kernels.ts";

/** Groups of four lines that are worked on together: sixteen floats fill a cache line. */
const GROUPS = 4;
/** Values below which waking a thread takes longer than its share: some tenths of a millisecond. */
const WORTH_SHARING = 2 ** 16;

const caches: WeakMap<Arena, KernelCache> = new WeakMap();

/**
 * Runs an {@link FftKernel}: copies lines into groups of four, one line in each SIMD lane, transforms the groups, and
 * copies the results out. Arrays outside the arena are staged, an item at a time. Threads share the lines of large
 * arrays; every line is computed in the same way whatever their number.
 *
 * @param x (batch, 2, outer, length, inner)
 * @param out of the same shape, not the same array
 * @throws {OutOfMemoryError} when the arena has no room for the workspace or for staged items
 */
export function fft(
  arena: Arena,
  kernel: FftKernel,
  x: Float32Array,
  out: Float32Array,
  pool?: ThreadPool,
): void {
  const { batch, outer, length, inner } = kernel;
  if (batch * outer * length * inner === 0) return;
  let kernels = caches.get(arena);
  if (kernels === undefined) {
    kernels = new KernelCache(arena.memory);
    caches.set(arena, kernels);
  }
  const cache = kernels;
  const transform = new LineTransform(arena, kernel);
  const run = (items: number, from: number, to: number) => {
    const threads = items * outer * length * inner >= WORTH_SHARING ? pool : undefined;
    const units = transform.units(items);
    doWork(arena, cache, threads, {
      units,
      grain: grainOf(units, threads),
      scratchBytes: transform.bytes,
      run: (own, workspace, first, end) => transform.run(own, workspace, from, to, items, first, end),
    });
  };
  arena.borrow(transform.tableBytes, (tables) => {
    transform.open(tables);
    if (arena.owns(x) && arena.owns(out)) return run(batch, x.byteOffset, out.byteOffset);
    const item = 2 * outer * length * inner;
    for (let b = 0; b < batch; b++) {
      withInput(arena, x.subarray(b * item, (b + 1) * item), (from) => {
        withOutput(arena, out.subarray(b * item, (b + 1) * item), (to) => run(1, from, to));
      });
    }
  });
}

/** One kernel's work on the lines of any number of items in the arena. Positions and distances are in bytes. */
class LineTransform {
  readonly #kernel: FftKernel;
  readonly #groups: FftGroups;
  readonly #input: Side;
  readonly #output: Side;
  /** Runs of neighbours: first place in the group, first place on the axis, count. */
  readonly #runs: readonly (readonly [place: number, index: number, count: number])[];

  constructor(arena: Arena, kernel: FftKernel) {
    const { length, origin, scale, interleaved } = kernel;
    this.#kernel = kernel;
    this.#groups = new FftGroups(arena, length, GROUPS, scale);
    this.#input = sideOf(kernel, "in", interleaved === "input");
    this.#output = sideOf(kernel, "out", interleaved === "output");
    const runs = [[0, origin, length - origin], [length - origin, 0, origin]] as const;
    this.#runs = runs.filter(([, , count]) => count > 0);
  }

  /** Bytes of a thread's workspace. */
  get bytes(): number {
    return this.#groups.bytes;
  }

  get tableBytes(): number {
    return this.#groups.tableBytes;
  }

  open(tables: number): void {
    this.#groups.open(tables);
  }

  /** Into how many independent parts the lines of `batch` items fall. */
  units(batch: number): number {
    const { outer, inner } = this.#kernel;
    return inner < 4 ? Math.ceil(batch * outer * inner / 4) : batch * outer * this.#chunks;
  }

  /** Parts of `inner` lines side by side. */
  get #chunks(): number {
    return Math.ceil(this.#kernel.inner / (4 * GROUPS));
  }

  /** Transforms parts first <= u < end of `batch` items. */
  run(
    kernels: Kernels,
    workspace: number,
    from: number,
    to: number,
    batch: number,
    first: number,
    end: number,
  ): void {
    const { outer, inner } = this.#kernel;
    for (let unit = first; unit < end; unit++) {
      if (inner < 4) this.#runScattered(kernels, workspace, from, to, 4 * unit, batch * outer * inner);
      else {
        const block = Math.floor(unit / this.#chunks);
        this.#runChunk(kernels, workspace, from, to, block, 4 * GROUPS * (unit % this.#chunks));
      }
    }
  }

  /** Up to sixteen lines side by side; the last groups reach back where fewer than four are left. */
  #runChunk(
    kernels: Kernels,
    workspace: number,
    from: number,
    to: number,
    block: number,
    begin: number,
  ): void {
    const { inner } = this.#kernel;
    const [source, target] = [this.#input, this.#output].map((side) => this.#lineStart(side, block * inner));
    for (let i = begin; i < Math.min(begin + 4 * GROUPS, inner);) {
      const groups = inner - i >= 4 * GROUPS ? GROUPS : 1;
      const column = 4 * Math.min(i, inner - 4 * groups);
      this.#moveRows(kernels, this.#input, groups, from + source + column, workspace);
      const result = this.#groups.transform(kernels, workspace, groups);
      this.#moveRows(kernels, this.#output, groups, to + target + column, result);
      i += 4 * groups;
    }
  }

  /** Four lines that are not side by side; the last one of all fills up the last group. */
  #runScattered(
    kernels: Kernels,
    workspace: number,
    from: number,
    to: number,
    line: number,
    lines: number,
  ): void {
    const starts = (side: Side, base: number) =>
      [0, 1, 2, 3].map((lane) => base + this.#lineStart(side, Math.min(line + lane, lines - 1)));
    this.#moveLanes(kernels, this.#input, starts(this.#input, from), workspace);
    const result = this.#groups.transform(kernels, workspace, 1);
    this.#moveLanes(kernels, this.#output, starts(this.#output, to), result);
  }

  /** Where a line begins, lines counted in the order of their first values. */
  #lineStart({ outer }: Side, line: number): number {
    const { length, inner } = this.#kernel;
    const block = Math.floor(line / inner);
    const item = Math.floor(block / outer);
    return 4 * ((block + item * outer) * length * inner + line % inner);
  }

  #moveRows(kernels: Kernels, side: Side, groups: number, start: number, group: number): void {
    const { step } = side;
    const move = kernels.get(fftRows, groups === GROUPS ? side.rows : side.row);
    const { first, plane } = this.#parts(side, start);
    for (const [place, index, count] of this.#runs) {
      const row = first + index * step;
      const to = group + place * ELEMENT;
      move(row, step, plane, to, this.#groups.groupBytes, count, this.#groups.scale);
    }
  }

  #moveLanes(kernels: Kernels, side: Side, starts: readonly number[], group: number): void {
    const { step } = side;
    const move = kernels.get(fftLanes, side.lanes);
    for (const [place, index, count] of this.#runs) {
      const [a, b, c, d] = starts.map((start) => this.#parts(side, start).first + index * step);
      const { plane } = this.#parts(side, 0);
      move(a, b, c, d, step, plane, group + place * ELEMENT, count, this.#groups.scale);
    }
  }

  /** The inverse transform is the forward one with real and imaginary parts exchanged on both sides. */
  #parts({ plane }: Side, start: number): { first: number; plane: number } {
    return this.#kernel.inverse ? { first: start + plane, plane: -plane } : { first: start, plane };
  }
}

/** How the lines of the input or of the output lie; distances in bytes. */
interface Side {
  readonly lanes: FftMoveSpec;
  readonly row: FftRowsSpec;
  readonly rows: FftRowsSpec;
  /** From one value of a line to the next. */
  readonly step: number;
  /** From a line's real to its imaginary part. */
  readonly plane: number;
  /** Runs of lines between two gaps of as many, which hold the imaginary parts. */
  readonly outer: number;
}

function sideOf({ outer, length, inner }: FftKernel, direction: "in" | "out", interleaved: boolean): Side {
  const moves = {
    lanes: Object.freeze({ direction }),
    row: Object.freeze({ direction, groups: 1 }),
    rows: Object.freeze({ direction, groups: GROUPS }),
  };
  return interleaved
    ? { ...moves, step: 8 * inner, plane: 4 * inner, outer: 1 }
    : { ...moves, step: 4 * inner, plane: 4 * outer * length * inner, outer };
}
