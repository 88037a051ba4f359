import { InvalidArgumentError } from "../../util/errors.ts";
import { type AxisTable, type GriddingTable, type Kernel, MAP_FUNCTIONS, type MapKernel } from "../kernel.ts";
import type { BufferPool, WebGpuBuffer } from "./buffer_pool.ts";
import type { CommandQueue } from "./command_queue.ts";
import type { Dispatch } from "./dispatch.ts";
import { FftTables } from "./fft_tables.ts";
import { type AxisWords, axisWords, planAxis } from "./kernels/axis.ts";
import { planConvolve } from "./kernels/convolve.ts";
import { planCorrelate } from "./kernels/correlate.ts";
import { planFftDispatches } from "./kernels/fft.ts";
import { type GriddingWords, griddingWords, planGridding } from "./kernels/gridding.ts";
import { planMap } from "./kernels/map.ts";
import { planMatmul } from "./kernels/matmul.ts";
import { planMedian } from "./kernels/median.ts";
import { planRadon } from "./kernels/radon.ts";
import { planRealFft } from "./kernels/real_fft.ts";
import { planReduce } from "./kernels/reduce.ts";
import type { GpuResource } from "./resource_pool.ts";
import { TableCache } from "./table_cache.ts";

const EMPTY_REDUCTION = { sum: 0, sumSquares: 0, dot: 0, max: -Infinity, min: Infinity } as const;

/** Turns kernels into dispatches on the queue. */
export class KernelRunner {
  readonly #queue: CommandQueue;
  readonly #buffers: BufferPool;
  readonly #tables: TableCache<AxisTable, AxisWords>;
  readonly #griddingTables: TableCache<GriddingTable, GriddingWords>;
  readonly #fftTables: FftTables;
  readonly #lanes: number;

  /** @param lanes the subgroup size where it is fixed and broadcasting pays, else 0 */
  constructor(queue: CommandQueue, buffers: BufferPool, lanes: number) {
    this.#queue = queue;
    this.#buffers = buffers;
    this.#tables = new TableCache(buffers, queue, axisWords);
    this.#griddingTables = new TableCache(buffers, queue, griddingWords);
    this.#fftTables = new FftTables(buffers, queue);
    this.#lanes = lanes;
  }

  /** Queues one kernel. */
  run(kernel: Kernel, inputs: readonly WebGpuBuffer[], output: WebGpuBuffer): void {
    const expected = arity(kernel);
    if (inputs.length !== expected) {
      throw new InvalidArgumentError(
        `run ${kernel.kind}`,
        "inputs",
        `${expected} buffers`,
        `${inputs.length}`,
      );
    }
    const sources = inputs.map(({ resource }) => resource);
    const target = output.resource;
    if (kernel.kind !== "map" && sources.includes(target)) {
      throw new InvalidArgumentError(
        `run ${kernel.kind}`,
        "output",
        "none of the inputs",
        "an input's buffer",
      );
    }
    switch (kernel.kind) {
      case "map":
        return this.#dispatch(planMap(kernel, sources, target, output.length));
      case "reduce":
        if (kernel.length === 0) return this.#fill(EMPTY_REDUCTION[kernel.fn], kernel.rows, output);
        return this.#reduce(kernel, sources, target);
      case "axis":
        return this.#dispatch(planAxis(kernel, sources[0], this.#tables.get(kernel.table), target));
      case "correlate":
        return this.#dispatch(planCorrelate(kernel, sources, target, this.#lanes));
      case "matmul":
        return this.#dispatch(planMatmul(kernel, sources, target));
      case "median":
        return this.#dispatch(planMedian(kernel, sources[0], target));
      case "convolve":
        return this.#dispatch(planConvolve(kernel, sources, target));
      case "fft":
        return this.#fft(kernel, sources[0], target);
      case "realFft":
        return this.#dispatch(planRealFft(kernel, sources, target));
      case "radon":
        return this.#withScratch((allocate) => planRadon(kernel, sources, target, allocate));
      case "gridding": {
        const table = this.#griddingTables.get(kernel.table);
        return this.#dispatch(planGridding(kernel, sources[0], table, target));
      }
      default:
        kernel satisfies never;
    }
  }

  /** Forgets the cached tables. */
  close(): void {
    this.#tables.close();
    this.#griddingTables.close();
  }

  #dispatch(dispatches: readonly Dispatch[]): void {
    for (const dispatch of dispatches) this.#queue.dispatch(dispatch);
  }

  #fill(value: number, length: number, output: WebGpuBuffer): void {
    const kernel: MapKernel = {
      kind: "map",
      fn: "fill",
      shape: [length],
      inputs: [],
      output: { offset: 0, strides: [1] },
      scalars: [value, 0],
    };
    this.#dispatch(planMap(kernel, [], output.resource, output.length));
  }

  #reduce(kernel: Extract<Kernel, { kind: "reduce" }>, inputs: GpuResource[], output: GpuResource): void {
    if (kernel.rows === 0) return;
    this.#withScratch((allocate) => planReduce(kernel, inputs, output, allocate));
  }

  #fft(kernel: Extract<Kernel, { kind: "fft" }>, input: GpuResource, output: GpuResource): void {
    if (kernel.length === 0) return;
    const { plan, factors } = this.#fftTables.get(kernel.length);
    this.#withScratch((allocate) => planFftDispatches(kernel, plan, input, factors, output, allocate));
  }

  /** Queues a plan's dispatches; its intermediate buffers go back to the pool. */
  #withScratch(plan: (allocate: (length: number) => GpuResource) => readonly Dispatch[]): void {
    const scratch: GpuResource[] = [];
    const allocate = (length: number) => {
      const resource = this.#buffers.acquire(length);
      scratch.push(resource);
      return resource;
    };
    try {
      this.#dispatch(plan(allocate));
    } finally {
      for (const resource of scratch) this.#buffers.release(resource);
    }
  }
}

function arity(kernel: Kernel): number {
  if (kernel.kind === "map") return MAP_FUNCTIONS[kernel.fn];
  if (["axis", "fft", "gridding", "median"].includes(kernel.kind)) return 1;
  if (kernel.kind === "reduce") return kernel.fn === "dot" ? 2 : 1;
  return 2;
}
