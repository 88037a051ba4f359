import { type FftPlan, isChirp, type SmoothPlan } from "../../fft/plan.ts";
import type { FftKernel } from "../../kernel.ts";
import { type Dispatch, MAX_WORKGROUPS, Params, type Program } from "../dispatch.ts";
import type { GpuResource } from "../resource_pool.ts";
import { fftLinesSource, fitsWorkgroup, shareLines } from "./fft_lines.ts";
import { FFT_STAGE_INVOCATIONS, fftStageSource, type FftStageSpec, stageParams } from "./fft_stage.ts";
import type { FftEnds } from "./fft_wgsl.ts";

/** An array that a transform reads or writes: the kernel's own, or an intermediate one in the usual order. */
interface Side {
  readonly resource: GpuResource;
  /** Extent of the axis. */
  readonly length: number;
  readonly origin: number;
  /** Whether real and imaginary parts lie in turn along the axis. */
  readonly interleaved: boolean;
  /** Whether real and imaginary parts are exchanged: an inverse transform is a forward one between exchanged arrays. */
  readonly exchanged: boolean;
}

/** The factors of a plan as one array of pairs: exp(-2 pi i k / M) for k < M, then the chirp and its spectrum. */
export function fftFactors(plan: FftPlan, roots: Float64Array): Float32Array {
  const parts = [roots, ...(isChirp(plan) ? [plan.chirp, plan.spectrum] : [])];
  const factors = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    factors.set(part, at);
    at += part.length;
  }
  return factors;
}

/**
 * The launches of an FFT kernel. Lines that fit into workgroup memory take one launch, longer ones one per stage; for
 * lengths with large prime factors two transforms of the plan's convolution follow each other.
 *
 * @param factors the plan's {@link fftFactors}
 * @param scratch gives a buffer for intermediate values
 */
export function planFftDispatches(
  kernel: FftKernel,
  plan: FftPlan,
  input: GpuResource,
  factors: GpuResource,
  output: GpuResource,
  scratch: (length: number) => GpuResource,
): Dispatch[] {
  const { batch, outer, length, inner, origin, inverse } = kernel;
  if (batch * outer * length * inner === 0) return [];
  const own = (resource: GpuResource, side: "input" | "output"): Side => ({
    resource,
    length,
    origin,
    interleaved: kernel.interleaved === side,
    exchanged: inverse,
  });
  const passes = new Passes(kernel, plan, factors, scratch);
  if (!isChirp(plan)) {
    return passes.transform(own(input, "input"), own(output, "output"), "plain", "scaled");
  }
  const middle = passes.intermediate();
  return [
    ...passes.transform(own(input, "input"), middle, "chirp", "spectrum"),
    ...passes.transform(middle, own(output, "output"), "plain", "chirp"),
  ];
}

class Passes {
  readonly #smooth: SmoothPlan;
  readonly #spare: Side[] = [];

  constructor(
    private readonly kernel: FftKernel,
    plan: FftPlan,
    private readonly factors: GpuResource,
    private readonly scratch: (length: number) => GpuResource,
  ) {
    this.#smooth = isChirp(plan) ? plan.convolution : plan;
  }

  /** An array between two launches. */
  intermediate(): Side {
    const { batch, outer, inner } = this.kernel;
    const { length } = this.#smooth;
    const resource = this.scratch(2 * batch * outer * length * inner);
    return { resource, length, origin: 0, interleaved: false, exchanged: false };
  }

  /** The launches of one smooth transform. */
  transform(from: Side, to: Side, load: FftEnds["load"], store: FftEnds["store"]): Dispatch[] {
    const ends = {
      load,
      store,
      shifted: this.kernel.origin > 0,
      strided: this.kernel.inner > 1,
      interleaved: this.kernel.interleaved !== undefined,
    };
    return fitsWorkgroup(this.#smooth) ? [this.#lines(from, to, ends)] : this.#stages(from, to, ends);
  }

  #lines(from: Side, to: Side, ends: FftEnds): Dispatch {
    const spec = shareLines(this.#smooth, this.#lineCount, ends);
    const { invocations, lines, exact } = spec;
    const program: Program = {
      key: ["fft lines", this.#smooth.length, invocations, lines, exact, ...Object.values(ends)].join(" "),
      bindings: "rrw",
      source: () => fftLinesSource(spec),
    };
    return this.#dispatch(program, from, to, [], grid(Math.ceil(this.#lineCount / lines)));
  }

  #stages(from: Side, to: Side, ends: FftEnds): Dispatch[] {
    const { stages, length } = this.#smooth;
    const last = stages.length - 1;
    return stages.map((stage, s) => {
      const spec: FftStageSpec = {
        radix: stage.radix,
        rotated: stage.span > 1,
        load: s === 0 ? ends.load : "plain",
        store: s === last ? ends.store : "scaled",
        shifted: ends.shifted && (s === 0 || s === last),
        strided: ends.strided,
        interleaved: ends.interleaved,
      };
      const program: Program = {
        key: ["fft stage", ...Object.values(spec)].join(" "),
        bindings: "rrw",
        source: () => fftStageSource(spec),
      };
      const source = s === 0 ? from : this.#spareSide(s - 1);
      const target = s === last ? to : this.#spareSide(s);
      const workgroups = grid(Math.ceil(this.#lineCount * (length / stage.radix) / FFT_STAGE_INVOCATIONS));
      const scale = s === last ? this.kernel.scale : 1;
      return this.#dispatch(program, source, target, stageParams(stage, length), workgroups, scale);
    });
  }

  /** Where stage s writes and stage s + 1 reads: two arrays in turn, which both transforms of a convolution share. */
  #spareSide(stage: number): Side {
    return this.#spare[stage % 2] ??= this.intermediate();
  }

  #dispatch(
    program: Program,
    from: Side,
    to: Side,
    extra: readonly number[],
    workgroups: readonly [number, number, number],
    scale = this.kernel.scale,
  ): Dispatch {
    const { outer, inner, length } = this.kernel;
    const plane = (side: Side) => side.interleaved ? inner : outer * side.length * inner;
    const parts = (side: Side) => side.exchanged ? [plane(side), 0] : [0, plane(side)];
    const chirpAt = this.#smooth.length;
    const params = new Params()
      .int(this.#lineCount, ...[from, to].map((side) => side.interleaved ? 1 : outer))
      .int(...[from, to].map((side) => side.interleaved ? 2 * inner : inner))
      .int(inner, from.length, to.length, from.origin, to.origin)
      .int(...parts(from), ...parts(to), chirpAt, chirpAt + length)
      .float(scale)
      .int(...extra);
    return {
      program,
      resources: [from.resource, this.factors, to.resource],
      params,
      workgroups,
    };
  }

  get #lineCount(): number {
    return this.kernel.batch * this.kernel.outer * this.kernel.inner;
  }
}

/** At least `count` workgroups as a grid within the limits; those behind the last have no lines. */
function grid(count: number): [number, number, number] {
  const rows = Math.ceil(count / MAX_WORKGROUPS);
  return [Math.ceil(count / rows), rows, 1];
}
