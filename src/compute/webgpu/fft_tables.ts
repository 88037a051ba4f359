import { type FftPlan, FftPlanner, isChirp, unitRoots } from "../fft/plan.ts";
import type { BufferPool } from "./buffer_pool.ts";
import type { CommandQueue } from "./command_queue.ts";
import { fftFactors } from "./kernels/fft.ts";
import type { GpuResource } from "./resource_pool.ts";

/** Relative times of a stage: moving the values costs more than the butterflies. */
const planner = new FftPlanner({
  2: 1,
  3: 1.05,
  4: 1.1,
  5: 1.2,
  6: 1.25,
  7: 1.35,
  8: 1.35,
  9: 1.45,
  10: 1.5,
  11: 1.8,
  12: 1.6,
  13: 2,
  15: 1.8,
  16: 1.75,
});

/** Lengths whose factors stay on the GPU. */
const KEPT = 16;

/** A plan with its factors on the GPU. */
export interface UploadedPlan {
  readonly plan: FftPlan;
  readonly factors: GpuResource;
}

/** The plans of the lengths used last. */
export class FftTables {
  readonly #buffers: BufferPool;
  readonly #queue: CommandQueue;
  readonly #uploaded = new Map<number, UploadedPlan>();

  constructor(buffers: BufferPool, queue: CommandQueue) {
    this.#buffers = buffers;
    this.#queue = queue;
  }

  /** The plan of a length >= 1. */
  get(length: number): UploadedPlan {
    const uploaded = this.#uploaded.get(length) ?? this.#upload(length);
    this.#uploaded.delete(length);
    this.#uploaded.set(length, uploaded);
    if (this.#uploaded.size > KEPT) {
      const [oldest, { factors }] = this.#uploaded.entries().next().value!;
      this.#uploaded.delete(oldest);
      this.#buffers.release(factors);
    }
    return uploaded;
  }

  #upload(length: number): UploadedPlan {
    const plan = planner.plan(length);
    const smooth = isChirp(plan) ? plan.convolution : plan;
    const values = fftFactors(plan, unitRoots(smooth.length));
    const factors = this.#buffers.acquire(values.length);
    this.#queue.writeBuffer(factors, 0, values);
    return { plan, factors };
  }
}
