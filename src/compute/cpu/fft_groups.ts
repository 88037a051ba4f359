import { type FftPlan, FftPlanner, isChirp, type SmoothPlan, unitRoots } from "../fft/plan.ts";
import type { Arena } from "./arena.ts";
import { clear } from "./wasm/clear.ts";
import { fftMultiply } from "./wasm/fft_multiply.ts";
import { ELEMENT, fftStage, type FftStageSpec } from "./wasm/fft_stage.ts";
import type { Kernels } from "./wasm/kernels.ts";

/** Nanoseconds per value of four lines, measured; larger powers of two spill registers and were slower. */
const planner = new FftPlanner({
  2: 1.2,
  3: 1.25,
  4: 1.6,
  5: 1.8,
  6: 1.75,
  7: 2.4,
  8: 2.35,
  9: 2.4,
  10: 2.6,
  11: 3.5,
  12: 2.55,
  13: 4,
  15: 2.9,
});

/** Bytes between two groups, so that they do not start at the same place of a memory page. */
const GAP = 192;

const CLEAR = Object.freeze({});
const MULTIPLY = Object.freeze({ conjugate: false });
const MULTIPLY_CONJUGATE = Object.freeze({ conjugate: true });

/**
 * Transforms of groups: four lines side by side, one in each SIMD lane, in a workspace of each thread's own; the factors
 * are shared. Every group has a twin; stages go from one to the other and back.
 */
export class FftGroups {
  /** Bytes of a workspace. */
  readonly bytes: number;
  /** Bytes of the factors. */
  readonly tableBytes: number;
  /** Bytes from one group to the next. */
  readonly groupBytes: number;
  readonly #arena: Arena;
  readonly #plan: FftPlan;
  readonly #smooth: SmoothPlan;
  readonly #count: number;
  readonly #tables: readonly Float32Array[];
  readonly #stages: readonly FftStageSpec[];
  #addresses: readonly number[] = [];

  /**
   * @param count how many groups a workspace holds
   * @param scale what {@link scale} points at
   */
  constructor(arena: Arena, length: number, count: number, scale: number) {
    this.#arena = arena;
    this.#plan = planner.plan(length);
    this.#smooth = isChirp(this.#plan) ? this.#plan.convolution : this.#plan;
    this.#count = count;
    this.#stages = this.#smooth.stages.map(({ radix, span }) => Object.freeze({ radix, rotated: span > 1 }));
    const chirp = isChirp(this.#plan) ? [this.#plan.chirp, this.#plan.spectrum] : [];
    this.#tables = [Float32Array.of(scale), stageRoots(this.#smooth), ...chirp];
    this.groupBytes = this.#smooth.length * ELEMENT + GAP;
    this.bytes = 2 * count * this.groupBytes;
    this.tableBytes = this.#tables.reduce((sum, table) => sum + table.byteLength, 0);
  }

  /** Puts the factors into {@link tableBytes} bytes of the arena. */
  open(address: number): void {
    let end = address;
    this.#addresses = this.#tables.map((table) => {
      const start = end;
      this.#arena.view(start, table.length).set(table);
      end += table.byteLength;
      return start;
    });
  }

  /** Address of the factor for the results. */
  get scale(): number {
    return this.#addresses[0];
  }

  /**
   * Transforms the first `count` groups of a workspace, whose input is lost; the first group begins where the workspace
   * does. Returns the address of the first result.
   */
  transform(kernels: Kernels, workspace: number, count: number): number {
    let result = 0;
    for (let g = count - 1; g >= 0; g--) {
      const input = workspace + g * this.groupBytes;
      const twin = input + this.#count * this.groupBytes;
      result = isChirp(this.#plan)
        ? this.#chirpTransform(kernels, this.#plan.length, input, twin)
        : this.#smoothTransform(kernels, input, twin);
    }
    return result;
  }

  /** X = F(x) */
  #smoothTransform(kernels: Kernels, input: number, twin: number): number {
    const { length, stages } = this.#smooth;
    let roots = this.#addresses[1];
    let [from, to] = [input, twin];
    for (const [i, { radix, span }] of stages.entries()) {
      const stage = kernels.get(fftStage, this.#stages[i]);
      stage(from, to, roots, span, length / (radix * span));
      roots += 8 * span * (radix - 1);
      [from, to] = [to, from];
    }
    return from;
  }

  /** X = c conj(F(S conj(F(c x)))) */
  #chirpTransform(kernels: Kernels, length: number, input: number, twin: number): number {
    const [, , chirp, spectrum] = this.#addresses;
    const size = this.#smooth.length;
    const multiply = kernels.get(fftMultiply, MULTIPLY);
    const multiplyConjugate = kernels.get(fftMultiply, MULTIPLY_CONJUGATE);
    multiply(input, chirp, input, length);
    kernels.get(clear, CLEAR)(input + length * ELEMENT, (size - length) * ELEMENT);
    const middle = this.#smoothTransform(kernels, input, twin);
    multiplyConjugate(middle, spectrum, middle, size);
    const result = this.#smoothTransform(kernels, middle, middle === input ? twin : input);
    multiplyConjugate(result, chirp, result, length);
    return result;
  }
}

const rootTables: WeakMap<SmoothPlan, Float32Array> = new WeakMap();

/** For every stage, every k < span and 1 <= i < radix: exp(-2 pi i (i k) / (radix span)) as (real, imaginary). */
function stageRoots(plan: SmoothPlan): Float32Array {
  let table = rootTables.get(plan);
  if (table) return table;
  table = new Float32Array(plan.stages.reduce((sum, { radix, span }) => sum + 2 * span * (radix - 1), 0));
  const roots = unitRoots(plan.length);
  let at = 0;
  for (const { radix, span } of plan.stages) {
    const step = plan.length / (radix * span);
    for (let k = 0; k < span; k++) {
      for (let i = 1; i < radix; i++) {
        table[at++] = roots[2 * i * k * step];
        table[at++] = roots[2 * i * k * step + 1];
      }
    }
  }
  rootTables.set(plan, table);
  return table;
}
