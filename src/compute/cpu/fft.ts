import type { FftKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { FftGroups } from "./fft_groups.ts";
import { withInput, withOutput } from "./staging.ts";
import { fftLanes, fftRows } from "./wasm/fft_move.ts";
import { ELEMENT } from "./wasm/fft_stage.ts";
import { KernelCache } from "./wasm/kernels.ts";

/** Groups of four lines that are worked on together: sixteen floats fill a cache line. */
const GROUPS = 4;

const caches: WeakMap<Arena, KernelCache> = new WeakMap();

/**
 * Runs an {@link FftKernel}: copies lines into groups of four, one line in each SIMD lane, transforms the groups, and
 * copies the results out. Arrays outside the arena are staged, an item at a time.
 *
 * @param x (batch, 2, outer, length, inner)
 * @param out of the same shape, not the same array
 * @throws {OutOfMemoryError} when the arena has no room for the workspace or for staged items
 */
export function fft(arena: Arena, kernel: FftKernel, x: Float32Array, out: Float32Array): void {
  const { batch, outer, length, inner } = kernel;
  if (batch * outer * length * inner === 0) return;
  let kernels = caches.get(arena);
  if (kernels === undefined) {
    kernels = new KernelCache(arena.memory);
    caches.set(arena, kernels);
  }
  const transform = new LineTransform(arena, kernels, kernel);
  arena.borrow(transform.bytes, (workspace) => {
    transform.open(workspace);
    if (arena.owns(x) && arena.owns(out)) return transform.run(batch, x.byteOffset, out.byteOffset);
    const item = 2 * outer * length * inner;
    for (let b = 0; b < batch; b++) {
      withInput(arena, x.subarray(b * item, (b + 1) * item), (from) => {
        withOutput(arena, out.subarray(b * item, (b + 1) * item), (to) => transform.run(1, from, to));
      });
    }
  });
}

/** One kernel's work on the lines of any number of items in the arena. Positions and distances are in bytes. */
class LineTransform {
  readonly #kernel: FftKernel;
  readonly #kernels: KernelCache;
  readonly #groups: FftGroups;
  readonly #input: Side;
  readonly #output: Side;
  /** Runs of neighbours: first place in the group, first place on the axis, count. */
  readonly #runs: readonly (readonly [place: number, index: number, count: number])[];

  constructor(arena: Arena, kernels: KernelCache, kernel: FftKernel) {
    const { length, origin, scale, interleaved } = kernel;
    this.#kernel = kernel;
    this.#kernels = kernels;
    this.#groups = new FftGroups(arena, kernels, length, GROUPS, scale);
    this.#input = sideOf(kernel, "in", interleaved === "input");
    this.#output = sideOf(kernel, "out", interleaved === "output");
    const runs = [[0, origin, length - origin], [length - origin, 0, origin]] as const;
    this.#runs = runs.filter(([, , count]) => count > 0);
  }

  get bytes(): number {
    return this.#groups.bytes;
  }

  open(workspace: number): void {
    this.#groups.open(workspace);
  }

  /** Transforms the lines of `batch` items. */
  run(batch: number, from: number, to: number): void {
    const { outer, inner } = this.#kernel;
    if (inner < 4) return this.#runScattered(batch * outer * inner, from, to);
    for (let block = 0; block < batch * outer; block++) {
      const first = [this.#input, this.#output].map((side) => this.#lineStart(side, block * inner));
      for (let i = 0; i < inner;) {
        const groups = inner - i >= 4 * GROUPS ? GROUPS : 1;
        const column = 4 * Math.min(i, inner - 4 * groups);
        this.#moveRows(this.#input, groups, from + first[0] + column, this.#groups.input);
        this.#moveRows(this.#output, groups, to + first[1] + column, this.#groups.transform(groups));
        i += 4 * groups;
      }
    }
  }

  /** Lines that are not side by side, four at a time; the last one fills up the last group. */
  #runScattered(lines: number, from: number, to: number): void {
    for (let line = 0; line < lines; line += 4) {
      const starts = (side: Side, base: number) =>
        [0, 1, 2, 3].map((lane) => base + this.#lineStart(side, Math.min(line + lane, lines - 1)));
      this.#moveLanes(this.#input, starts(this.#input, from), this.#groups.input);
      this.#moveLanes(this.#output, starts(this.#output, to), this.#groups.transform(1));
    }
  }

  /** Where a line begins, lines counted in the order of their first values. */
  #lineStart({ outer }: Side, line: number): number {
    const { length, inner } = this.#kernel;
    const block = Math.floor(line / inner);
    const item = Math.floor(block / outer);
    return 4 * ((block + item * outer) * length * inner + line % inner);
  }

  #moveRows(side: Side, groups: number, start: number, group: number): void {
    const { direction, step } = side;
    const move = this.#kernels.get(fftRows, { direction, groups });
    const { first, plane } = this.#parts(side, start);
    for (const [place, index, count] of this.#runs) {
      const row = first + index * step;
      const to = group + place * ELEMENT;
      move(row, step, plane, to, this.#groups.groupBytes, count, this.#groups.scale);
    }
  }

  #moveLanes(side: Side, starts: readonly number[], group: number): void {
    const { direction, step } = side;
    const move = this.#kernels.get(fftLanes, { direction });
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
  readonly direction: "in" | "out";
  /** From one value of a line to the next. */
  readonly step: number;
  /** From a line's real to its imaginary part. */
  readonly plane: number;
  /** Runs of lines between two gaps of as many, which hold the imaginary parts. */
  readonly outer: number;
}

function sideOf({ outer, length, inner }: FftKernel, direction: "in" | "out", interleaved: boolean): Side {
  return interleaved
    ? { direction, step: 8 * inner, plane: 4 * inner, outer: 1 }
    : { direction, step: 4 * inner, plane: 4 * outer * length * inner, outer };
}
