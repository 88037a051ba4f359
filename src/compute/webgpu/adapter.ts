import process from "node:process";

/** What kind of WebGPU adapter was found. */
export type AdapterClass = "hardware" | "software" | "none";

/** The adapter that WebGPU offers to this process. */
export interface AdapterReport {
  readonly class: AdapterClass;
  /** The adapter's own description; empty for `"none"`. */
  readonly name: string;
  /** One sentence for people: what was found, and what it means. */
  readonly reason: string;
  readonly adapter?: GPUAdapter;
}

const SOFTWARE_NAMES = /llvmpipe|lavapipe|softpipe|swiftshader|basic render/i;

/**
 * Environment that wgpu and Mesa read when WebGPU is first used. Linux: Vulkan only, because without a Vulkan driver
 * wgpu would silently take OpenGL on llvmpipe; and Mesa's device-select layer, which prints an error when there is no
 * XDG_RUNTIME_DIR, is turned off unless it was asked to select something.
 */
function prepareEnvironment(): void {
  if (Deno.build.os !== "linux") return;
  const env = process.env;
  env.DENO_WEBGPU_BACKEND ??= "vulkan";
  const steered = env.MESA_VK_DEVICE_SELECT ?? env.MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE ??
    env.DRI_PRIME;
  if (!env.XDG_RUNTIME_DIR && steered === undefined) env.NODEVICE_SELECT ??= "1";
}

/**
 * Asks WebGPU for its adapter and classifies it.
 *
 * Call it before anything else touches `navigator.gpu`: the backend is chosen on first use.
 */
export async function findAdapter(): Promise<AdapterReport> {
  prepareEnvironment();
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    const backend = process.env.DENO_WEBGPU_BACKEND;
    const via = backend === undefined ? "" : ` through ${backend}`;
    return { class: "none", name: "", reason: `WebGPU offers no adapter${via}: no GPU driver is installed` };
  }
  const { description, vendor, device } = adapter.info;
  const name = description || `vendor ${vendor} device ${device}`;
  const software = adapter.info.isFallbackAdapter || SOFTWARE_NAMES.test(name);
  return software
    ? { class: "software", name, reason: `${name} emulates a GPU on the CPU`, adapter }
    : { class: "hardware", name, reason: `${name} is a hardware GPU`, adapter };
}

/** What is asked for where the adapter lists it. */
const FEATURES: readonly GPUFeatureName[] = ["shader-f16"];

/**
 * Opens the adapter's device with its largest limits, and with subgroups where they are granted (wgpu grants them on
 * adapters that do not list them).
 */
export async function requestLargestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature));
  const requiredLimits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") requiredLimits[name] = value;
  }
  try {
    const wanted = [...requiredFeatures, "subgroups" as GPUFeatureName];
    return await adapter.requestDevice({ requiredLimits, requiredFeatures: wanted });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  }
}
