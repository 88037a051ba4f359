/** A device that cannot be opened, or that failed while computing. */
export class DeviceError extends Error {
  /** `"DeviceError"`. */
  override readonly name = "DeviceError";
}

/** An allocation that would exceed the device's memory budget. */
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
