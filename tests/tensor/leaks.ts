import { defaultDevice } from "../../src/tensor/mod.ts";
import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";

/** Checks that an action, which disposes what it makes, leaves the default device's live memory as it was. */
export async function assertNothingLeaks(action: () => void | Promise<void>): Promise<void> {
  const before = defaultDevice().memory().live;
  await action();
  assert.equal(defaultDevice().memory().live, before, "live bytes");
}

v8.setFlagsFromString("--expose-gc");
const collect: () => void = vm.runInNewContext("gc");

/** Runs the garbage collector, then what waits for it: finalizers run between turns of the event loop. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
