import type { Device } from "../compute/device.ts";
import { defaultDevice } from "../compute/open.ts";
import { PlanningDevice } from "../compute/planning_device.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { Denoiser } from "./denoiser.ts";

/** A device's plan, and the call that uses it. */
interface Planner {
  readonly device: PlanningDevice;
  last: Promise<unknown>;
}

/** One plan per device, so that a denoiser keeps its layers for at most one. */
const planners: WeakMap<Device, Planner> = new WeakMap();

/**
 * The most bytes that a device will hold for a call `denoiser.forward(x, sigma)`, found before it runs by going through
 * the same steps without computing: the input, the result and everything in between, not the network's weights. Exact
 * for networks and for denoisers with a fixed number of iterations; what an iteration decides by looking at values may
 * differ.
 *
 * @param shape of x: (B, C, H, W)
 * @param device by default the default device
 * @throws {InvalidArgumentError} when the denoiser refuses the shape
 *
 * @example Before a large image is denoised
 * ```ts
 * import assert from "node:assert/strict";
 * import { DRUNet, memoryPlan, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * const device = await openDevice("cpu");
 * setDefaultDevice(device);
 * using denoiser = await DRUNet.create({ weights: "small-color" });
 * const small = await memoryPlan(denoiser, [1, 3, 256, 256]);
 * const large = await memoryPlan(denoiser, [1, 3, 512, 512]);
 * assert(small > 1e7 && large < 5 * small); // bytes, without computing anything
 * console.log(large < device.memory().budget ? "fits" : "use tiles: distribute(denoiser, ctx, { patchSize: 256 })");
 * ```
 */
export async function memoryPlan(
  denoiser: Pick<Denoiser, "forward">,
  shape: readonly number[],
  device: Device = defaultDevice(),
): Promise<number> {
  let planner = planners.get(device);
  if (!planner) {
    planner = { device: new PlanningDevice(device), last: Promise.resolve() };
    planners.set(device, planner);
  }
  const { device: plan, last } = planner;
  const peak = last.then(async () => {
    plan.restart();
    const before = plan.memory().live;
    using x = Tensor.empty(shape, { device: plan });
    using _result = await denoiser.forward(x, 0.1);
    return plan.memory().peak - before;
  });
  planner.last = peak.catch(() => {});
  return await peak;
}

/**
 * How many of `count` items, each of shape (1, C, H, W), a denoiser can take at once: the most whose
 * {@link memoryPlan} fits into a number of bytes; 1 where not even one does.
 *
 * @param shape of one item
 * @param count items there are, >= 1
 * @param budget bytes; by default half of what the device's budget has left: the caller holds images, too
 * @throws {InvalidArgumentError} when `count` is no whole number >= 1
 *
 * @example A folder of images through a network, as many at once as the memory allows
 * ```ts
 * import assert from "node:assert/strict";
 * import { DnCNN, maxBatchSizeFor, memoryPlan, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * const device = await openDevice("cpu");
 * setDefaultDevice(device);
 * using network = await DnCNN.create({ inChannels: 1, outChannels: 1, depth: 4, nf: 8, weights: null });
 * const budget = 1_000_000; // bytes; by default half of what the device has left
 * const batch = await maxBatchSizeFor(network, [1, 1, 64, 64], 100, device, budget);
 * assert(batch > 1 && batch < 100);
 * assert(await memoryPlan(network, [batch, 1, 64, 64]) <= budget);
 * assert(await memoryPlan(network, [batch + 1, 1, 64, 64]) > budget);
 * ```
 */
export async function maxBatchSizeFor(
  denoiser: Pick<Denoiser, "forward">,
  shape: readonly number[],
  count: number,
  device: Device = defaultDevice(),
  budget: number = (device.memory().budget - device.memory().live) / 2,
): Promise<number> {
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidArgumentError("choose a batch size", "count", "a whole number >= 1", String(count));
  }
  const fits = async (batch: number): Promise<boolean> =>
    await memoryPlan(denoiser, [batch * shape[0], ...shape.slice(1)], device) <= budget;
  if (await fits(count)) return count;
  let [low, high] = [1, count];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
