import { InvalidArgumentError } from "../util/errors.ts";
import { CpuDevice } from "./cpu/device.ts";
import type { Device } from "./device.ts";
import { DeviceError } from "./errors.ts";
import { openWebGpuDevice } from "./webgpu/device.ts";

/**
 * Which device to open.
 *
 * - `"auto"`: a hardware WebGPU adapter if there is one, else the CPU backend.
 * - `"gpu"`: WebGPU, software adapters (Mesa's lavapipe) too.
 * - `"cpu"`: the CPU backend.
 */
export type DeviceChoice = "auto" | "gpu" | "cpu";

const CHOICES: readonly DeviceChoice[] = ["auto", "gpu", "cpu"];

/**
 * Opens a device.
 *
 * @param choice by default the environment variable `DEEPINV_DEVICE`, else `"auto"`
 * @throws {InvalidArgumentError} when the choice is none of auto, gpu and cpu
 * @throws {DeviceError} when `"gpu"` was asked for and no WebGPU adapter exists
 *
 * @example Compute on the CPU without a context
 * ```ts
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * console.log(await Tensor.ones([2, 2]).data());
 * ```
 */
export async function openDevice(choice?: DeviceChoice): Promise<Device> {
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
  const memoryBudget = budgetFromEnvironment();
  if (wanted !== "cpu") {
    const device = await openWebGpuDevice({ allowSoftware: wanted === "gpu", memoryBudget });
    if (device) return device;
    if (wanted === "gpu") {
      throw new DeviceError(
        'Cannot open device "gpu": no WebGPU adapter was found; install a Vulkan driver ' +
          '(Debian: libvulkan1 mesa-vulkan-drivers gives a software one) or use device "cpu"',
      );
    }
  }
  return new CpuDevice({ memoryBudget });
}

function budgetFromEnvironment(): number | undefined {
  const text = Deno.env.get("DEEPINV_MEMORY_BUDGET");
  if (!text) return undefined;
  const bytes = Number(text);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new InvalidArgumentError(
      "open a device",
      "DEEPINV_MEMORY_BUDGET",
      "a number of bytes > 0",
      `"${text}"`,
    );
  }
  return bytes;
}

let current: Device | undefined;

/** Makes `device` the one that tensors are created on when none is named; `undefined` clears it. */
export function setDefaultDevice(device: Device | undefined): void {
  current = device;
}

/**
 * The device that tensors are created on when none is named.
 *
 * @throws {DeviceError} before a context was created or {@link setDefaultDevice} was called
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
