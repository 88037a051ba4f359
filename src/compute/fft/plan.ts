import { convolutionLength, radicesOf, type RadixCosts } from "./radices.ts";

/**
 * One stage of Stockham's self-sorting transform of N values. With T = N / radix, for every j < T and
 * k = j mod span, the stage reads the values j + i T, multiplies them by exp(-2 pi i (i k) / (radix span)), transforms
 * these `radix` values and writes result i to (j - k) radix + k + i span.
 */
export interface Stage {
  /** Values per butterfly. */
  readonly radix: number;
  /** The product of the radices of the stages before. */
  readonly span: number;
}

/** A transform of a length whose prime factors are radices, as stages. */
export interface SmoothPlan {
  /** N. */
  readonly length: number;
  /** In order; none for N = 1. */
  readonly stages: readonly Stage[];
}

/**
 * Bluestein's algorithm for any length N: as n k = (n^2 + k^2 - (k - n)^2) / 2, with the chirp
 * c[n] = exp(-i pi n^2 / N) a transform is a convolution,
 *
 *     X[k] = c[k] sum_n (c[n] x[n]) conj(c[k - n]),
 *
 * which two smooth transforms of M >= 2 N - 1 values compute.
 */
export interface ChirpPlan {
  /** N. */
  readonly length: number;
  /** The transform of M values. */
  readonly convolution: SmoothPlan;
  /** c[n] for n < N, as pairs (real, imaginary). */
  readonly chirp: Float32Array;
  /**
   * S, the transform of c[n], -N < n < N in cyclic order, divided by M: M pairs (real, imaginary). With F the smooth
   * transform, X = c conj(F(S conj(F(c x)))).
   */
  readonly spectrum: Float32Array;
}

/** How a length is transformed. */
export type FftPlan = SmoothPlan | ChirpPlan;

/** Whether a plan is Bluestein's. */
export function isChirp(plan: FftPlan): plan is ChirpPlan {
  return "chirp" in plan;
}

/** Lengths whose plans a planner remembers. */
const REMEMBERED = 64;

/** Plans for a backend with certain costs; remembers those of the lengths used last. */
export class FftPlanner {
  readonly #costs: RadixCosts;
  readonly #plans = new Map<number, FftPlan>();

  constructor(costs: RadixCosts) {
    this.#costs = costs;
  }

  /** The plan for a length >= 1. */
  plan(length: number): FftPlan {
    const plan = this.#plans.get(length) ?? this.#smooth(length) ?? this.#chirp(length);
    this.#plans.delete(length);
    this.#plans.set(length, plan);
    if (this.#plans.size > REMEMBERED) this.#plans.delete(this.#plans.keys().next().value!);
    return plan;
  }

  #smooth(length: number): SmoothPlan | undefined {
    const radices = radicesOf(length, this.#costs);
    if (!radices) return undefined;
    let span = 1;
    const stages = radices.map((radix) => {
      const stage = { radix, span };
      span *= radix;
      return stage;
    });
    return { length, stages };
  }

  #chirp(length: number): ChirpPlan {
    const size = convolutionLength(length, this.#costs);
    const convolution = this.#smooth(size)!;
    const chirp = new Float32Array(2 * length);
    const cyclic = new Float64Array(2 * size);
    for (let n = 0; n < length; n++) {
      const angle = (Math.PI * squareModulo(n, 2 * length)) / length;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      chirp.set([cos, -sin], 2 * n);
      cyclic.set([cos / size, -sin / size], 2 * n);
      if (n > 0) cyclic.set([cos / size, -sin / size], 2 * (size - n));
    }
    return { length, convolution, chirp, spectrum: Float32Array.from(preciseTransform(cyclic, convolution)) };
  }
}

/** n^2 mod m without leaving the whole numbers that float64 holds exactly. */
function squareModulo(n: number, m: number): number {
  return n < 2 ** 26 ? (n * n) % m : Number((BigInt(n) * BigInt(n)) % BigInt(m));
}

/** The stages in float64 on pairs (real, imaginary), butterflies by their definition. */
function preciseTransform(values: Float64Array, { length, stages }: SmoothPlan): Float64Array {
  let source = values;
  for (const { radix, span } of stages) {
    const target = new Float64Array(2 * length);
    const step = length / radix;
    const roots = unitRoots(radix * span);
    for (let j = 0; j < step; j++) {
      const k = j % span;
      for (let q = 0; q < radix; q++) {
        let re = 0;
        let im = 0;
        for (let i = 0; i < radix; i++) {
          const root = 2 * ((i * (k + q * span)) % (radix * span));
          const at = 2 * (j + i * step);
          re += source[at] * roots[root] - source[at + 1] * roots[root + 1];
          im += source[at] * roots[root + 1] + source[at + 1] * roots[root];
        }
        target.set([re, im], 2 * ((j - k) * radix + k + q * span));
      }
    }
    source = target;
  }
  return source;
}

/** exp(-2 pi i k / count) for k < count, as pairs (real, imaginary). */
export function unitRoots(count: number): Float64Array {
  const roots = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    const angle = (-2 * Math.PI * k) / count;
    roots[2 * k] = Math.cos(angle);
    roots[2 * k + 1] = Math.sin(angle);
  }
  return roots;
}
