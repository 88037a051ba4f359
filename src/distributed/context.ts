import type { ProcessInfo } from "../cluster/process_info.ts";
import { resolveProcess } from "../cluster/resolve_process.ts";
import { createProcessGroup } from "../comm/connect.ts";
import type { OperationStats } from "../comm/operation_stats.ts";
import type { ProcessGroup } from "../comm/process_group.ts";
import type { Device } from "../compute/device.ts";
import { type DeviceChoice, openDevice, setDefaultDevice } from "../compute/open.ts";
import { manualSeed } from "../tensor/random.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { WorkMeter, type WorkStats } from "./stats.ts";
import { TensorGroup } from "./tensor_group.ts";

/** Options of {@link DistributedContext.create}. */
export interface ContextOptions {
  /** Seeds the random numbers of tensors and noise models; unseeded noise differs from run to run without it. */
  seed?: number;
  /** Adds the rank to the seed, so that ranks draw different numbers; default true. */
  seedOffset?: boolean;
  /** Sums do not depend on timing; always so in this version. */
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
}

/**
 * Connects the processes of a job and opens this one's device. A script that creates one runs unchanged on one process
 * (without any network) and, under a launcher, on many.
 *
 * Collectives take typed arrays, which they reduce or fill in place, and tensors, which they leave alone. They throw
 * `CollectiveTimeoutError`, `RankFailedError` or `CollectiveMismatchError` when the ranks cannot finish them together.
 *
 * @example
 * ```ts
 * import { DistributedContext, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu", seed: 1 });
 * const mean = await ctx.allReduce(Tensor.full([2], ctx.rank), { op: "avg" });
 * console.log(ctx.rank, ctx.worldSize, await mean.data());
 * ```
 */
export class DistributedContext extends TensorGroup implements AsyncDisposable {
  /** What this rank computes on. */
  readonly device: Device;
  readonly #process: ProcessInfo;
  readonly #ownsDevice: boolean;
  readonly #meter = new WorkMeter();
  #open = true;

  private constructor(process: ProcessInfo, group: ProcessGroup, device: Device, ownsDevice: boolean) {
    super(group);
    this.#process = process;
    this.device = device;
    this.#ownsDevice = ownsDevice;
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
    const { seed, seedOffset = true, timeout, transport } = options;
    if (seed !== undefined && (!Number.isSafeInteger(seed) || seed < 0)) {
      throw new InvalidArgumentError("create a context", "seed", "a whole number >= 0", String(seed));
    }
    const process = resolveProcess();
    const device = await openDevice(options.device);
    try {
      const group = await createProcessGroup(process, { timeout, transport });
      setDefaultDevice(device);
      manualSeed(
        seed === undefined
          ? crypto.getRandomValues(new Uint32Array(1))[0]
          : seed + (seedOffset ? process.rank : 0),
      );
      return new DistributedContext(process, group, device, true);
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
    return new DistributedContext(alone, await createProcessGroup(alone), this.device, false);
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
  measure<T>(name: string, f: () => Promise<T>): Promise<T> {
    return this.#meter.measure(name, async () => {
      const result = await f();
      await this.device.synchronize();
      return result;
    });
  }

  /** Where this rank's time went so far. */
  stats(): ContextStats {
    return { collectives: this.processes.stats(), work: this.#meter.report() };
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
