import type { ConvPreset } from "../../src/compute/webgpu/presets.ts";
import { findAdapter } from "../../src/compute/webgpu/adapter.ts";
import { openWebGpuDevice, type WebGpuDevice } from "../../src/compute/webgpu/device.ts";

/** Tests of the WebGPU backend need an adapter, if only Mesa's; DEEPINV_SKIP_GPU=1 leaves them out. */
export const ignore = Deno.env.get("DEEPINV_SKIP_GPU") === "1";

let shared: Promise<WebGpuDevice> | undefined;

/** The device that a test file's tests share. */
export function sharedDevice(): Promise<WebGpuDevice> {
  return shared ??= openDevice();
}

/** A fresh device, software adapters included. */
export async function openDevice(memoryBudget?: number, preset?: ConvPreset): Promise<WebGpuDevice> {
  const device = await openWebGpuDevice({ allowSoftware: true, memoryBudget, preset });
  if (!device) throw new Error((await findAdapter()).reason);
  return device;
}

/** Defines a test on the shared device. */
export function gpuTest(name: string, run: (device: WebGpuDevice) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => await run(await sharedDevice()),
    sanitizeResources: false,
    sanitizeOps: false,
  });
}
