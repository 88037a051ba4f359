import type { ProcessInfo } from "../cluster/process_info.ts";
import { resolveProcess } from "../cluster/resolve_process.ts";
import { createProcessGroup } from "../comm/connect.ts";
import type { OperationStats } from "../comm/operation_stats.ts";
import type { ProcessGroup } from "../comm/process_group.ts";
import type { Device } from "../compute/device.ts";
import { type DeviceChoice, openDevice, setDefaultDevice } from "../compute/open.ts";
import { manualSeed } from "../tensor/random.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { type WorkStats, WorkTable } from "./stats.ts";
import { TensorGroup } from "./tensor_group.ts";
import { Timeline, type Track } from "./timeline.ts";
import { writeTrace } from "./trace.ts";

/** Options of {@link DistributedContext.create}. */
export interface ContextOptions {
  /** Seeds the random numbers of tensors and noise models; unseeded noise differs from run to run without it. */
  seed?: number;
  /** Adds the rank to the seed, so that ranks draw different numbers; default true. */
  seedOffset?: boolean;
  /**
   * Sums over operators (adjoints, gradients, values of fidelities) have the same bits for every number of ranks, and
   * nothing depends on timing: a balanced share of operators or tiles goes by their known costs, never by measured times.
   * Costs one more allReduce of a number a sum, and twice the bytes. Without it sums are still taken in an order that depends
   * on the share only. Default false.
   */
  deterministic?: boolean;
  /** `"auto"` (default, or DEEPINV_DEVICE): a hardware WebGPU adapter, else the CPU. */
  device?: DeviceChoice;
  /** Milliseconds that each collective may take; default 300,000. */
  timeout?: number;
  /** How ranks exchange bytes; default `"auto"`. */
  transport?: "auto" | "tcp" | "shm";
}

/** Where this rank's time went so far. */
export interface ContextStats {
  /** Collectives by name, waiting included. */
  collectives: Record<string, OperationStats>;
  /** Computation by name: `"operators"`, `"denoiser"`. */
  work: Record<string, WorkStats>;
  /**
   * Calls of this rank's operators, by number, class and method: `"3 Blur.A_adjoint"`. On a GPU this is the time to queue
   * the work, unless a {@link DistributedContext.trace} with `device` is being recorded.
   */
  operators: Record<string, WorkStats>;
}

/** Options of {@link DistributedContext.trace}. */
export interface TraceOptions {
  /**
   * Waits for the device after every operator, so that spans show when its work was done, not when it was queued; this
   * costs time on a GPU. Default false.
   */
  device?: boolean;
}

/**
 * Connects the processes of a job and opens this one's device. A script that creates one runs unchanged on one process
 * (without any network) and, under a launcher, on many.
 *
 * Collectives take typed arrays, which they reduce or fill in place, and tensors, which they leave alone. They throw
 * `CollectiveTimeoutError`, `RankFailedError` or `CollectiveMismatchError` when the ranks cannot finish them together.
 *
 * @example One script for one process and for many
 * ```ts
 * import assert from "node:assert/strict";
 * import { DistributedContext, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu", seed: 1 });
 * const mean = await ctx.allReduce(Tensor.full([2], ctx.rank), { op: "avg" });
 * assert(Math.abs(await mean.max().item() - (ctx.worldSize - 1) / 2) < 1e-6);
 * const own = ctx.localIndices(10); // items 0 to 9, round robin
 * const squares = await ctx.allGatherObject(own.map((item) => item * item));
 * assert.equal(squares.flat().length, 10);
 * if (ctx.rank === 0) console.log(`${ctx.worldSize} ranks on ${ctx.device.name}`);
 * ```
 */
export class DistributedContext extends TensorGroup implements AsyncDisposable {
  /** What this rank computes on. */
  readonly device: Device;
  readonly #process: ProcessInfo;
  readonly #ownsDevice: boolean;
  /** Whether results must not depend on timing, as the options said. */
  readonly deterministic: boolean;
  readonly #work = new WorkTable();
  readonly #operators = new WorkTable();
  readonly #timeline = new Timeline();
  #waitsForDevice = false;
  #open = true;

  private constructor(
    process: ProcessInfo,
    group: ProcessGroup,
    device: Device,
    { ownsDevice, deterministic }: { ownsDevice: boolean; deterministic: boolean },
  ) {
    super(group);
    this.#process = process;
    this.device = device;
    this.#ownsDevice = ownsDevice;
    this.deterministic = deterministic;
    group.observe((operation, bytes, milliseconds) =>
      this.#timeline.add("collectives", operation, milliseconds, bytes)
    );
  }

  /**
   * Joins the job that the environment describes (the launcher's or torchrun's variables, Open MPI, PMI, Flux, PALS, JSM,
   * SLURM, Kubernetes; else a single process),
   * opens the device and makes it the default of new tensors.
   *
   * @throws {InvalidArgumentError} for malformed options or environment
   * @throws {DeviceError} when the device cannot be opened
   * @throws {CollectiveTimeoutError} when ranks do not show up
   */
  static async create(options: ContextOptions = {}): Promise<DistributedContext> {
    const { seed, seedOffset = true, deterministic = false, timeout, transport } = options;
    if (seed !== undefined && (!Number.isSafeInteger(seed) || seed < 0)) {
      throw new InvalidArgumentError("create a context", "seed", "a whole number >= 0", String(seed));
    }
    const process = resolveProcess();
    const device = await openDevice(options.device, { localWorldSize: process.localWorldSize });
    try {
      const group = await createProcessGroup(process, { timeout, transport });
      setDefaultDevice(device);
      manualSeed(
        seed === undefined
          ? crypto.getRandomValues(new Uint32Array(1))[0]
          : seed + (seedOffset ? process.rank : 0),
      );
      return new DistributedContext(process, group, device, { ownsDevice: true, deterministic });
    } catch (error) {
      device.close();
      throw error;
    }
  }

  /**
   * A context of this process alone on the same device, without communication: for work that is not spread, or to compare
   * with. It need not be closed.
   */
  async single(): Promise<DistributedContext> {
    const alone: ProcessInfo = { ...this.#process, rank: 0, worldSize: 1, localRank: 0, localWorldSize: 1 };
    const { deterministic } = this;
    return new DistributedContext(alone, await createProcessGroup(alone), this.device, {
      ownsDevice: false,
      deterministic,
    });
  }

  /** Number of processes of the job. */
  get worldSize(): number {
    return this.#process.worldSize;
  }

  /** Rank among the processes of this node. */
  get localRank(): number {
    return this.#process.localRank;
  }

  /** Number of processes of the job on this node. */
  get localWorldSize(): number {
    return this.#process.localWorldSize;
  }

  /** Whether there is more than one process. */
  get isDistributed(): boolean {
    return this.worldSize > 1;
  }

  /** The group of all ranks. */
  get group(): TensorGroup {
    return this;
  }

  /**
   * The items that belong to this rank, round robin: i mod worldSize = rank.
   *
   * @throws {InvalidArgumentError} when the number of items is not a whole number >= 0
   */
  localIndices(numItems: number): number[] {
    if (!Number.isInteger(numItems) || numItems < 0) {
      throw new InvalidArgumentError("share out items", "numItems", "a whole number >= 0", String(numItems));
    }
    const own: number[] = [];
    for (let index = this.rank; index < numItems; index += this.worldSize) own.push(index);
    return own;
  }

  /** Runs f, device included, and adds its time to the work `name` of {@link stats}. */
  async measure<T>(name: string, f: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      const result = await f();
      await this.#synchronize();
      return result;
    } finally {
      this.#work.add(name, performance.now() - begin);
    }
  }

  /** Runs f as a span of the timeline; an operator's adds to the operators of {@link stats}. */
  async span<T>(track: Exclude<Track, "collectives">, name: string, f: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    const result = await f();
    if (this.#waitsForDevice) await this.device.synchronize();
    const milliseconds = performance.now() - begin;
    this.#timeline.add(track, name, milliseconds);
    if (track === "operators") this.#operators.add(name, milliseconds);
    return result;
  }

  /** Where this rank's time went so far. */
  stats(): ContextStats {
    const collectives = this.processes.stats();
    return { collectives, work: this.#work.report(), operators: this.#operators.report() };
  }

  /**
   * Writes a timeline of all ranks, from the context's creation on: collectives, operators, batches of tiles. It is one
   * file in the Chrome trace format, which https://ui.perfetto.dev opens. Called by all ranks; rank 0 writes the file. The
   * last 65,536 spans of a rank, at least, are there.
   *
   * @throws {Error} on every rank, when the file cannot be written
   *
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { Denoising, distribute, DistributedContext, Tensor } from "@deepinv/distributed";
   *
   * await using ctx = await DistributedContext.create({ device: "cpu" });
   * const physics = await distribute([new Denoising(), new Denoising()], ctx);
   * await physics.A(Tensor.ones([1, 1, 8, 8]));
   * const path = await Deno.makeTempFile({ suffix: ".json" });
   * await ctx.trace(path);
   * if (ctx.rank === 0) assert(JSON.parse(await Deno.readTextFile(path)).traceEvents.length > 0);
   * ```
   */
  trace(path: string | URL): Promise<void>;
  /**
   * Runs `work` and writes the timeline of it alone.
   *
   * @returns what `work` gives
   */
  trace<T>(path: string | URL, work: () => Promise<T>, options?: TraceOptions): Promise<T>;
  async trace<T>(
    path: string | URL,
    work?: () => Promise<T>,
    { device = false }: TraceOptions = {},
  ): Promise<T | undefined> {
    const begin = work ? performance.now() : 0;
    this.#waitsForDevice = device;
    let result: T | undefined;
    try {
      result = await work?.();
    } finally {
      this.#waitsForDevice = false;
    }
    await writeTrace(this, path, this.device.name, this.#timeline.since(begin));
    return result;
  }

  async #synchronize(): Promise<void> {
    const begin = performance.now();
    await this.device.synchronize();
    const milliseconds = performance.now() - begin;
    if (this.device.kind !== "cpu") this.#timeline.add("device", "wait for the device", milliseconds);
  }

  /** Waits for the other ranks, leaves the job and closes the device. After a failure it does not wait. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      await this.processes.close();
    } finally {
      if (this.#ownsDevice) {
        setDefaultDevice(undefined);
        this.device.close();
      }
    }
  }

  /** See {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
