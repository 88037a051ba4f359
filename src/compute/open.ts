import { InvalidArgumentError } from "../util/errors.ts";
import { CpuDevice } from "./cpu/device.ts";
import type { Device } from "./device.ts";
import { DeviceError } from "./errors.ts";
import { memoryBudgetOfUser, rankShare } from "./rank_share.ts";
import { openWebGpuDevice } from "./webgpu/device.ts";

/**
 * Which device to open.
 *
 * - `"auto"`: a hardware WebGPU adapter if there is one, else the CPU backend.
 * - `"gpu"`: WebGPU, software adapters (Mesa's lavapipe) too.
 * - `"cpu"`: the CPU backend.
 */
export type DeviceChoice = "auto" | "gpu" | "cpu";

/** Options of {@link openDevice}. */
export interface OpenOptions {
  /** Ranks that share this host's cores and memory; by default the environment variable `LOCAL_WORLD_SIZE`, else 1. */
  readonly localWorldSize?: number;
  /**
   * Whether a WebGPU device stores the feature maps and weights of networks as float16, which halves their memory; sums
   * stay float32. Every layer then rounds to 11 bits: a relative error of about 5e-4. The adapter needs shader-f16.
   * Default false; no effect on the cpu device.
   */
  readonly float16?: boolean;
  /**
   * Whether a WebGPU device measures which kind of convolution is the fastest: some seconds, once; the result is kept in
   * the user's cache folder for the next time. Default: whether the environment variable `DEEPINV_AUTOTUNE` is `1`; no
   * effect on the cpu device.
   */
  readonly autotune?: boolean;
}

const CHOICES: readonly DeviceChoice[] = ["auto", "gpu", "cpu"];

/**
 * Opens a device.
 *
 * The cpu device computes large layers of networks on this rank's share of the cores: cores / ranks of this host, or as
 * many threads as the environment variable `DEEPINV_THREADS` says, which the launcher sets. The results do not depend on
 * the number. It holds at most 80 % of the memory / ranks, or as many bytes as `DEEPINV_MEMORY_BUDGET` says.
 *
 * @param choice by default the environment variable `DEEPINV_DEVICE`, else `"auto"`
 * @throws {InvalidArgumentError} when the choice is none of auto, gpu and cpu
 * @throws {DeviceError} when `"gpu"` was asked for and no WebGPU adapter exists, or float16 and the adapter cannot
 *
 * @example Compute on the CPU without a context
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * const device = await openDevice("cpu"); // or "gpu", or "auto"
 * setDefaultDevice(device);
 * using x = Tensor.ones([2, 2]);
 * assert.equal(await x.sum().item(), 4);
 * assert.equal(device.kind, "cpu");
 * ```
 */
export async function openDevice(choice?: DeviceChoice, options: OpenOptions = {}): Promise<Device> {
  const source = choice === undefined ? "DEEPINV_DEVICE" : "device";
  const wanted = choice ?? ((Deno.env.get("DEEPINV_DEVICE") || "auto") as DeviceChoice);
  if (!CHOICES.includes(wanted)) {
    throw new InvalidArgumentError(
      "open a device",
      source,
      CHOICES.map((c) => `"${c}"`).join(", "),
      `"${wanted}"`,
    );
  }
  const memoryBudget = memoryBudgetOfUser();
  if (wanted !== "cpu") {
    const { float16, autotune = Deno.env.get("DEEPINV_AUTOTUNE") === "1" } = options;
    const device = await openWebGpuDevice({
      allowSoftware: wanted === "gpu",
      memoryBudget,
      localWorldSize: options.localWorldSize,
      float16,
      autotune,
    });
    if (device) return device;
    if (wanted === "gpu") {
      throw new DeviceError(
        'Cannot open device "gpu": no WebGPU adapter was found; install a Vulkan driver ' +
          '(Debian: libvulkan1 mesa-vulkan-drivers gives a software one) or use device "cpu"',
      );
    }
  }
  return new CpuDevice(rankShare(options.localWorldSize));
}

let current: Device | undefined;

/** The device that tensors are created on when none is named, if there is one. */
export function currentDevice(): Device | undefined {
  return current;
}

/**
 * Makes `device` the one that tensors are created on when none is named; `undefined` clears it.
 *
 * @example Compute on two devices
 * ```ts
 * import assert from "node:assert/strict";
 * import { defaultDevice, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * const [first, second] = [await openDevice("cpu"), await openDevice("cpu")];
 * setDefaultDevice(first);
 * using x = Tensor.ones([4]); // on the default device
 * using y = Tensor.ones([4], { device: second });
 * using z = y.mul(2); // operations stay where their tensors are
 * assert(x.device === first && z.device === second && defaultDevice() === first);
 * ```
 */
export function setDefaultDevice(device: Device | undefined): void {
  current = device;
}

/**
 * The device that tensors are created on when none is named.
 *
 * @throws {DeviceError} before a context was created or {@link setDefaultDevice} was called
 *
 * @example What is computed on, and how much memory is in use
 * ```ts
 * import assert from "node:assert/strict";
 * import { defaultDevice, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const device = defaultDevice();
 * const before = device.memory().live;
 * using x = Tensor.zeros([256, 256]);
 * assert.equal(device.memory().live - before, device.bufferBytes(x.numel));
 * console.log(device.kind, device.name, `${device.memory().budget} bytes at most`);
 * ```
 */
export function defaultDevice(): Device {
  if (!current) {
    throw new DeviceError(
      "Cannot create a tensor: no device is open yet; create a DistributedContext first, or call " +
        "setDefaultDevice(await openDevice())",
    );
  }
  return current;
}
