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
  /** From one value of a line to the next. */
  readonly #step: number;
  /** From a line's real to its imaginary part. */
  readonly #plane: number;
  /** Runs of neighbours: first place in the group, first place on the axis, count. */
  readonly #runs: readonly (readonly [place: number, index: number, count: number])[];

  constructor(arena: Arena, kernels: KernelCache, kernel: FftKernel) {
    const { outer, length, inner, origin, scale } = kernel;
    this.#kernel = kernel;
    this.#kernels = kernels;
    this.#groups = new FftGroups(arena, kernels, length, GROUPS, scale);
    this.#step = 4 * inner;
    this.#plane = 4 * outer * length * inner;
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
      const start = this.#lineStart(block * inner);
      for (let i = 0; i < inner;) {
        const groups = inner - i >= 4 * GROUPS ? GROUPS : 1;
        const first = start + 4 * Math.min(i, inner - 4 * groups);
        this.#moveRows("in", groups, from + first, this.#groups.input);
        this.#moveRows("out", groups, to + first, this.#groups.transform(groups));
        i += 4 * groups;
      }
    }
  }

  /** Lines that are not side by side, four at a time; the last one fills up the last group. */
  #runScattered(lines: number, from: number, to: number): void {
    for (let line = 0; line < lines; line += 4) {
      const starts = [0, 1, 2, 3].map((lane) => this.#lineStart(Math.min(line + lane, lines - 1)));
      this.#moveLanes("in", starts.map((start) => from + start), this.#groups.input);
      this.#moveLanes("out", starts.map((start) => to + start), this.#groups.transform(1));
    }
  }

  /** Where a line begins, lines counted in the order of their first values. */
  #lineStart(line: number): number {
    const { outer, length, inner } = this.#kernel;
    const block = Math.floor(line / inner);
    const item = Math.floor(block / outer);
    return 4 * ((block + item * outer) * length * inner + line % inner);
  }

  #moveRows(direction: "in" | "out", groups: number, start: number, group: number): void {
    const move = this.#kernels.get(fftRows, { direction, groups });
    const { first, plane } = this.#parts(start);
    for (const [place, index, count] of this.#runs) {
      const row = first + index * this.#step;
      const to = group + place * ELEMENT;
      move(row, this.#step, plane, to, this.#groups.groupBytes, count, this.#groups.scale);
    }
  }

  #moveLanes(direction: "in" | "out", starts: readonly number[], group: number): void {
    const move = this.#kernels.get(fftLanes, { direction });
    for (const [place, index, count] of this.#runs) {
      const [a, b, c, d] = starts.map((start) => this.#parts(start).first + index * this.#step);
      const { plane } = this.#parts(0);
      move(a, b, c, d, this.#step, plane, group + place * ELEMENT, count, this.#groups.scale);
    }
  }

  /** The inverse transform is the forward one with real and imaginary parts exchanged on both sides. */
  #parts(start: number): { first: number; plane: number } {
    return this.#kernel.inverse
      ? { first: start + this.#plane, plane: -this.#plane }
      : { first: start, plane: this.#plane };
  }
}
