import { setImmediate } from "node:timers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Device } from "../compute/device.ts";
import type { Storage } from "./array.ts";

/**
 * Memory of tensors that were dropped without `dispose`. The garbage collector sees small objects only, not the device
 * memory behind them, and would let a loop that disposes nothing fill the device; so whenever much has been allocated
 * since the last look, it is asked to look again.
 */
const dropped = new FinalizationRegistry<Storage>((storage) => storage.release());

/** Growth of a device's live memory that is worth a look, in bytes; a collection takes about 10 ms. */
const WORTH_A_LOOK = 256 * 2 ** 20;

/** Finalizers run between turns of the event loop; the first ones take a few. */
const MOST_TURNS = 4;

/** Live bytes of each device after the last look. */
const settled = new WeakMap<Device, number>();

let collect: (() => void) | undefined;

/** Releases `storage` when `tensor` has been dropped. */
export function releaseWhenDropped(tensor: object, storage: Storage): void {
  dropped.register(tensor, storage, tensor);
}

/** The tensor was disposed: nothing is left to release. */
export function forget(tensor: object): void {
  dropped.unregister(tensor);
}

/** Frees the memory of dropped tensors if the device's has grown much; called wherever a program waits anyway. */
export async function releaseDropped(device: Device): Promise<void> {
  const { live, budget } = device.memory();
  const before = settled.get(device) ?? 0;
  if (live < before) settled.set(device, live);
  if (live < before + Math.min(WORTH_A_LOOK, budget / 8)) return;
  collect ??= collector();
  collect();
  for (let turn = 0; turn < MOST_TURNS && device.memory().live >= live; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  settled.set(device, device.memory().live);
}

/** V8's own `gc`, which is hidden unless a flag asks for it. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
