/**
 * A device that cannot be opened, or that failed while computing.
 *
 * @example A tensor moved to the device of another
 * ```ts
 * import assert from "node:assert/strict";
 * import { DeviceError, openDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * const [first, second] = [await openDevice("cpu"), await openDevice("cpu")];
 * using x = Tensor.ones([4], { device: first });
 * using y = Tensor.full([4], 2, { device: second });
 * try {
 *   x.add(y);
 * } catch (error) {
 *   if (!(error instanceof DeviceError)) throw error; // "Cannot ...: its tensors are on different devices"
 *   using moved = Tensor.from(await y.data(), y.shape, x); // x stands for { device: x.device }
 *   assert.equal(await x.add(moved).sum().item(), 12);
 * }
 * assert.throws(() => Tensor.ones([4]), DeviceError); // no device is the default one yet
 * ```
 */
export class DeviceError extends Error {
  /** `"DeviceError"`. */
  override readonly name = "DeviceError";
}

/**
 * An allocation that would exceed the device's memory budget.
 *
 * @example As many images as fit
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, OutOfMemoryError, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const wanted = 2 ** 30; // images: some petabytes
 * try {
 *   using images = Tensor.empty([wanted, 3, 512, 512]);
 *   assert.fail(`${images.numel} values do not fit`);
 * } catch (error) {
 *   if (!(error instanceof OutOfMemoryError)) throw error;
 *   const fit = Math.floor((error.budget - error.live) / (error.requested / wanted));
 *   assert(fit > 0 && fit < wanted);
 * }
 * ```
 */
export class OutOfMemoryError extends Error {
  /** `"OutOfMemoryError"`. */
  override readonly name = "OutOfMemoryError";

  /** Says what was asked for and what there is. */
  constructor(
    /** The device's name. */
    readonly device: string,
    /** Bytes asked for. */
    readonly requested: number,
    /** Bytes held when it was asked. */
    readonly live: number,
    /** The device's budget in bytes. */
    readonly budget: number,
  ) {
    super(
      `Cannot allocate ${requested} bytes on ${device}: ${live} of its budget of ${budget} bytes are in use; ` +
        "dispose tensors that are no longer needed, use smaller tiles (patchSize, maxBatchSize), or raise DEEPINV_MEMORY_BUDGET",
    );
  }
}
