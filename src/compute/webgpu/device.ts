import process from "node:process";
import { InvalidArgumentError } from "../../util/errors.ts";
import type { BufferReader, Device, DeviceBuffer, DeviceKind, MemoryReport } from "../device.ts";
import { DeviceError } from "../errors.ts";
import type { GpuSharing } from "../gpu_sharing.ts";
import type { Kernel } from "../kernel.ts";
import { rankShare } from "../rank_share.ts";
import { findAdapter, requestLargestDevice } from "./adapter.ts";
import { autotune, candidates } from "./autotune.ts";
import { BufferPool, sizeClass, WebGpuBuffer } from "./buffer_pool.ts";
import { CommandQueue } from "./command_queue.ts";
import { WebGpuConvEngine } from "./conv_engine.ts";
import { ErrorMonitor } from "./error_monitor.ts";
import { guestDevice } from "./guest_device.ts";
import { KernelRunner } from "./kernel_runner.ts";
import { MemoryBudget } from "./memory_budget.ts";
import { choosePreset, type ConvPreset, DISCRETE_PRESET } from "./presets.ts";
import { Readback } from "./readback.ts";
import { ResourcePool } from "./resource_pool.ts";

/** Options of {@link openWebGpuDevice}. */
export interface WebGpuOptions {
  /** Whether an adapter that is emulated on the CPU will do. Default false. */
  readonly allowSoftware?: boolean;
  /**
   * Bytes that buffers and feature maps may hold. Default: the environment variable DEEPINV_MEMORY_BUDGET, else 4 GiB on
   * hardware, and on a software adapter, whose memory is the host's, this rank's share of it and at most 2 GiB.
   */
  readonly memoryBudget?: number;
  /** Ranks that share this host; by default the environment variable LOCAL_WORLD_SIZE, else 1. */
  readonly localWorldSize?: number;
  /** Layout and tiles of convolutional networks. Default: what suits the adapter's class. */
  readonly preset?: ConvPreset;
  /** Whether feature maps and weights of networks are stored as float16; default false. */
  readonly float16?: boolean;
  /** Whether the fastest of several presets is found by measuring, for every class of layers, once per adapter, driver and user; default false. */
  readonly autotune?: boolean;
}

const GIB = 2 ** 30;

function memoryBudget(
  option: number | undefined,
  isSoftware: boolean,
  localWorldSize: number | undefined,
): number {
  const variable = process.env.DEEPINV_MEMORY_BUDGET;
  const budget = option ??
    (variable
      ? Number(variable)
      : isSoftware
      ? Math.min(2 * GIB, rankShare(localWorldSize).memoryBudget)
      : 4 * GIB);
  if (!(budget > 0)) {
    const argument = option === undefined ? "DEEPINV_MEMORY_BUDGET" : "memoryBudget";
    throw new InvalidArgumentError(
      "open the WebGPU device",
      argument,
      "a positive number of bytes",
      `${option ?? variable}`,
    );
  }
  return budget;
}

/**
 * Opens this process's WebGPU adapter.
 *
 * @returns undefined where there is no adapter, or only a software adapter and `allowSoftware` is not set;
 * {@link findAdapter} tells which
 * @throws {DeviceError} when there is an adapter and it cannot be opened
 */
export async function openWebGpuDevice(options: WebGpuOptions = {}): Promise<WebGpuDevice | undefined> {
  const found = await findAdapter();
  const { adapter } = found;
  const isSoftware = found.class === "software";
  if (!adapter || (isSoftware && !options.allowSoftware)) return undefined;
  const budget = memoryBudget(options.memoryBudget, isSoftware, options.localWorldSize);
  let gpu: GPUDevice;
  try {
    gpu = await requestLargestDevice(adapter);
  } catch (error) {
    throw new DeviceError(`Cannot open ${found.name}: ${(error as Error).message}`, { cause: error });
  }
  const errors = new ErrorMonitor(gpu, found.name);
  const queue = new CommandQueue(gpu, errors);
  const readback = await Readback.open(gpu, queue);
  const preset = await presetFor(options, gpu, adapter.info, isSoftware, found.name);
  return new WebGpuDevice({ gpu, name: found.name, isSoftware, budget, errors, queue, readback, preset });
}

/** The preset that was asked for, or the adapter's, or the fastest. */
async function presetFor(
  options: WebGpuOptions,
  gpu: GPUDevice,
  info: GPUAdapterInfo,
  isSoftware: boolean,
  name: string,
): Promise<ConvPreset> {
  if (options.preset) return options.preset;
  if (options.float16 && !gpu.features.has("shader-f16")) {
    gpu.destroy();
    throw new DeviceError(`Cannot store float16 on ${name}: the adapter must have shader-f16`);
  }
  const own = choosePreset(gpu, info, isSoftware);
  const preset = options.float16
    ? { ...(own.storage === "buffer" ? own : DISCRETE_PRESET), half: true }
    : own;
  if (!options.autotune) return preset;
  return await autotune(identityOf(name, gpu, info), candidates(preset), async (candidate) => {
    const device = await openWebGpuDevice({ ...options, autotune: false, preset: candidate });
    if (!device) throw new DeviceError(`Cannot tune ${name}: the adapter is gone`);
    return device;
  });
}

/** All that WebGPU tells of an adapter and its driver, whose version shows in its features and limits at best. */
function identityOf(name: string, gpu: GPUDevice, info: GPUAdapterInfo): string {
  const { vendor, architecture, device, description } = info;
  const limits: string[] = [];
  for (const limit in gpu.limits) limits.push(`${limit} ${gpu.limits[limit as keyof GPUSupportedLimits]}`);
  return [name, vendor, architecture, device, description, ...[...gpu.features].sort(), ...limits].join(", ");
}

/** What {@link openWebGpuDevice} has set up. */
interface OpenedDevice {
  readonly gpu: GPUDevice;
  readonly name: string;
  readonly isSoftware: boolean;
  readonly budget: number;
  readonly errors: ErrorMonitor;
  readonly queue: CommandQueue;
  readonly readback: Readback;
  readonly preset: ConvPreset;
}

/** The compute device behind Deno's WebGPU. */
export class WebGpuDevice implements Device {
  readonly kind: DeviceKind = "webgpu";
  readonly name: string;
  readonly isSoftwareAdapter: boolean;
  readonly conv: WebGpuConvEngine;
  readonly sharing: GpuSharing;
  readonly #gpu: GPUDevice;
  readonly #errors: ErrorMonitor;
  readonly #queue: CommandQueue;
  readonly #readback: Readback;
  readonly #budget: MemoryBudget;
  readonly #pool: ResourcePool;
  readonly #buffers: BufferPool;
  readonly #kernels: KernelRunner;
  #closed = false;

  /** Used by {@link openWebGpuDevice}. */
  constructor({ gpu, name, isSoftware, budget, errors, queue, readback, preset }: OpenedDevice) {
    this.name = name;
    this.isSoftwareAdapter = isSoftware;
    this.#gpu = gpu;
    this.#errors = errors;
    this.#queue = queue;
    this.#readback = readback;
    this.#budget = new MemoryBudget(name, budget);
    this.#pool = new ResourcePool(this.#budget, () => {
      queue.submit();
      queue.pipelines.forgetBindGroups();
    });
    this.#buffers = new BufferPool(gpu, this.#pool);
    this.#kernels = new KernelRunner(queue, this.#buffers, preset.broadcastLanes);
    this.conv = new WebGpuConvEngine(this, gpu, queue, this.#pool, preset);
    const isOpen = () => !this.#closed;
    this.sharing = {
      device: guestDevice(gpu),
      get isOpen() {
        return isOpen();
      },
      expose: (buffer) => {
        const { resource } = this.#own("share", buffer);
        queue.submit();
        return resource.memory as GPUBuffer;
      },
      copyFrom: (source, target) => {
        const own = this.#own("copy to", target);
        const { resource, length } = own;
        own.version++;
        queue.encoder().copyBufferToBuffer(source, 0, resource.memory as GPUBuffer, 0, length * 4);
        queue.submit();
      },
    };
  }

  bufferBytes(length: number): number {
    return sizeClass(length);
  }

  allocate(length: number): DeviceBuffer {
    this.#assertOpen("allocate");
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new InvalidArgumentError("allocate a buffer", "length", "a whole number >= 0", `${length}`);
    }
    return new WebGpuBuffer(this, length, this.#buffers.acquire(length));
  }

  release(buffer: DeviceBuffer): void {
    if (this.#closed) return;
    const own = this.#own("release", buffer);
    own.released = true;
    this.conv.forget(own);
    this.#buffers.release(own.resource);
  }

  write(buffer: DeviceBuffer, data: Float32Array, offset = 0): void {
    const own = this.#own("write", buffer);
    const { resource, length } = own;
    own.version++;
    if (offset < 0 || offset + data.length > length) {
      throw new InvalidArgumentError(
        "write to a buffer",
        "offset + data.length",
        `at most the buffer's ${length} values`,
        `${offset} + ${data.length}`,
      );
    }
    if (data.length > 0) this.#queue.writeBuffer(resource, offset * 4, data);
  }

  async read(buffer: DeviceBuffer): Promise<Float32Array> {
    const { resource, length } = this.#own("read", buffer);
    const reading = this.#readback.read(resource, length);
    const values = await reading.catch((error) => this.#errors.explain(error));
    await this.#errors.check();
    return values;
  }

  reader(buffer: DeviceBuffer): BufferReader {
    const { resource, length } = this.#own("read", buffer);
    const reader = this.#readback.reader(resource, length);
    return {
      next: async (target) => {
        this.#assertOpen("read");
        try {
          await reader.next(target);
        } catch (error) {
          await this.#errors.explain(error);
        }
      },
      end: async () => {
        await reader.end();
        if (!this.#closed) await this.#errors.check();
      },
    };
  }

  run(kernel: Kernel, inputs: readonly DeviceBuffer[], output: DeviceBuffer): void {
    const sources = inputs.map((input) => this.#own("run", input));
    const target = this.#own("run", output);
    target.version++;
    this.#kernels.run(kernel, sources, target);
  }

  async synchronize(): Promise<void> {
    this.#assertOpen("synchronize");
    await this.#readback.wait().catch((error) => this.#errors.explain(error));
    await this.#errors.check();
  }

  memory(): MemoryReport {
    return this.#budget.report();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kernels.close();
    this.#queue.close();
    this.#readback.close();
    this.#pool.close();
    this.#gpu.destroy();
  }

  #assertOpen(action: string): void {
    if (this.#closed) {
      throw new DeviceError(`Cannot ${action}: ${this.name} must be open, got a closed device`);
    }
  }

  #own(action: string, buffer: DeviceBuffer): WebGpuBuffer {
    this.#assertOpen(action);
    if (!(buffer instanceof WebGpuBuffer) || buffer.device !== this) {
      throw new InvalidArgumentError(
        action,
        "buffer",
        `a buffer of ${this.name}`,
        `one of ${buffer.device.name}`,
      );
    }
    if (buffer.released) throw new InvalidArgumentError(action, "buffer", "live", "one that was released");
    return buffer;
  }
}
