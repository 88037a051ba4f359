/**
 * The GPUs of a Linux host: display controllers on the PCI bus by NVIDIA, AMD or Intel whose device file is there. A
 * container sees the bus of its whole host, but only the device files of the GPUs that it was given.
 */
import { join } from "node:path";

/** A display controller on the PCI bus that processes here may open. */
export interface Gpu {
  /** Domain, bus, device and function: `"0000:65:00.0"`. */
  address: string;
  /** PCI vendor and device, for example `"10de:2330"`. */
  model: string;
}

/** NVIDIA, AMD and Intel, in the order of preference between equally many GPUs. */
export const GPU_VENDORS: readonly string[] = ["10de", "1002", "8086"];

const DISPLAY_CLASS = /^0x03/;

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (error) {
    if (isAbsent(error)) return "";
    throw error;
  }
}

function listFolder(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** What a file system without the entry, or a sandbox that hides it, answers. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotCapable;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** Whether a device file of the GPU exists: its render node, or the NVIDIA driver's own. */
function isUsable(root: string, address: string): boolean {
  const nodes = listFolder(join(root, "sys/bus/pci/devices", address, "drm"));
  if (nodes.some((name) => /^renderD/.test(name) && exists(join(root, "dev/dri", name)))) return true;
  const information = readText(join(root, "proc/driver/nvidia/gpus", address, "information"));
  const minor = /^Device Minor:\s*(\d+)/m.exec(information)?.[1];
  return minor !== undefined && exists(join(root, `dev/nvidia${minor}`));
}

/**
 * Lists the GPUs by PCI address.
 *
 * @param root where the file systems `sys`, `proc` and `dev` lie
 */
export function readGpus(root = "/"): Gpu[] {
  const bus = join(root, "sys/bus/pci/devices");
  return listFolder(bus).flatMap((address): Gpu[] => {
    const [kind, vendor, device] = ["class", "vendor", "device"].map((name) =>
      readText(join(bus, address, name))
    );
    const [vendorId, deviceId] = [vendor, device].map((text) => text.replace(/^0x/, ""));
    if (!DISPLAY_CLASS.test(kind) || !GPU_VENDORS.includes(vendorId) || !isUsable(root, address)) return [];
    return [{ address, model: `${vendorId}:${deviceId}` }];
  });
}
