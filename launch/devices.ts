/**
 * Which GPU and how many threads each rank of this host gets.
 *
 * 1. Of the GPUs that processes here may open, the identical ones count, the most numerous kind of them.
 * 2. If there are two or more, local rank i gets GPU i modulo their number, by steering Mesa's Vulkan device-select layer:
 *    DRI_PRIME names the GPU and MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE hides the others.
 * 3. Nothing is steered where the user does so already, where ranks compute on the CPU, and where a scheduler has set apart
 *    some of the GPUs: its numbers say nothing about Vulkan's order.
 * 4. Cores are divided evenly between local ranks: DEEPINV_THREADS, and LP_NUM_THREADS for Mesa's software Vulkan.
 *
 * The layer is tested with software Vulkan only: no host with several GPUs has run this. Where in doubt, let the scheduler
 * show each rank one GPU (`srun --gpus-per-task=1`).
 */
import { type Gpu, GPU_VENDORS, readGpus } from "./gpu_list.ts";

/** What the assignment depends on. */
export interface DeviceFacts {
  os: typeof Deno.build.os;
  cores: number;
  gpus: readonly Gpu[];
}

/** What one local rank gets. */
export interface DeviceShare {
  /** The device in words, for `--dry-run`. */
  label: string;
  /** Variables to add to its environment. */
  env: Record<string, string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by which schedulers set GPUs apart; the first one that is set counts. */
const ISOLATION = [
  "CUDA_VISIBLE_DEVICES",
  "ROCR_VISIBLE_DEVICES",
  "HIP_VISIBLE_DEVICES",
  "GPU_DEVICE_ORDINAL",
  "ZE_AFFINITY_MASK",
] as const;

/** Variables by which users steer Vulkan themselves. */
const STEERING = [
  "DRI_PRIME",
  "MESA_VK_DEVICE_SELECT",
  "VK_LOADER_DEVICE_SELECT",
  "VK_LOADER_DRIVERS_SELECT",
  "VK_DRIVER_FILES",
  "VK_ICD_FILENAMES",
] as const;

/** The most numerous kind of GPU, by address; a tie goes to the vendor that is listed first. */
function identicalGpus(gpus: readonly Gpu[]): Gpu[] {
  const models = [...Map.groupBy(gpus, ({ model }) => model).values()];
  const preference = ([{ model }]: Gpu[]): number => GPU_VENDORS.indexOf(model.split(":")[0]);
  models.sort((a, b) => b.length - a.length || preference(a) - preference(b));
  return (models[0] ?? []).toSorted((a, b) => a.address < b.address ? -1 : 1);
}

/** How many GPUs a scheduler's variable names, and which variable; null if there is none. */
function isolation(env: Environment): { name: string; count: number } | null {
  const name = ISOLATION.find((variable) => env[variable] !== undefined);
  if (name === undefined) return null;
  const entries = env[name]!.split(",").map((entry) => entry.trim());
  const end = entries.findIndex((entry) => !/^(\d|GPU-|MIG-)/.test(entry));
  return { name, count: end < 0 ? entries.length : end };
}

/** How many GPUs ranks may use: those found, or as many of them as a scheduler allows. */
export function countGpus(facts: DeviceFacts, env: Environment): number {
  const found = facts.os === "darwin" ? 1 : identicalGpus(facts.gpus).length;
  return Math.min(found, isolation(env)?.count ?? found);
}

/** Why no GPU is chosen for the ranks, in words; null if one is. */
function reasonToLeave(facts: DeviceFacts, gpus: readonly Gpu[], env: Environment): string | null {
  if (env.DEEPINV_DEVICE === "cpu") return "CPU";
  const steering = STEERING.find((name) => env[name]);
  if (steering !== undefined) return `left to ${steering}`;
  const isolated = isolation(env);
  if (isolated !== null && isolated.count < gpus.length) return `left to ${isolated.name}`;
  if (facts.os !== "linux" || gpus.length < 2) return "left to WebGPU";
  return null;
}

/**
 * The devices and threads of all ranks of this host. Variables that `env` holds already are left alone.
 *
 * @param facts what this host has
 * @param env the environment that ranks would have without the result
 * @param nproc ranks on this host, >= 1
 */
export function assignDevices(facts: DeviceFacts, env: Environment, nproc: number): DeviceShare[] {
  const threads = env.DEEPINV_THREADS || String(Math.max(1, Math.floor(facts.cores / nproc)));
  const gpus = identicalGpus(facts.gpus);
  const reason = reasonToLeave(facts, gpus, env);
  const needsLayer = reason === null || env.DRI_PRIME || env.MESA_VK_DEVICE_SELECT;
  return Array.from({ length: nproc }, (_, localRank) => {
    const gpu = gpus[localRank % gpus.length];
    const defaults: Record<string, string> = {
      DEEPINV_THREADS: threads,
      ...(facts.os === "linux" ? { LP_NUM_THREADS: threads, DENO_WEBGPU_BACKEND: "vulkan" } : {}),
      // Without it the device-select layer writes a line to stderr; where devices are steered it must stay on.
      ...(facts.os === "linux" && !needsLayer ? { NODEVICE_SELECT: "1" } : {}),
      ...(reason === null
        ? {
          DRI_PRIME: `pci-${gpu.address.replaceAll(/[:.]/g, "_")}`,
          MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: "1",
        }
        : {}),
    };
    return {
      label: reason ?? `GPU ${gpu.address} (${gpu.model})`,
      env: Object.fromEntries(Object.entries(defaults).filter(([name]) => env[name] === undefined)),
    };
  });
}

/** What this host has. */
export function readDeviceFacts(): DeviceFacts {
  const os = Deno.build.os;
  return { os, cores: navigator.hardwareConcurrency, gpus: os === "linux" ? readGpus() : [] };
}
