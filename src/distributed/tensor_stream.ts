import type { ArrayStream } from "../comm/array_stream.ts";
import { divideInto } from "../comm/reduce_ops.ts";
import type { BufferReader } from "../compute/device.ts";
import { DeviceError } from "../compute/errors.ts";
import { releaseDropped } from "../tensor/forgotten.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Bytes from which on tensors are exchanged piece by piece; below it the pieces cost more than they save. */
export const STREAMED_BYTES = 2 ** 21;

/**
 * Tensors that go through a collective in pieces: the device copies the next pieces out while one is exchanged and the
 * ones before are copied in, and none of them passes through an array of its own. Nothing happens to x, which stays alive
 * until the end even if it is disposed meanwhile.
 */
export class TensorStream implements ArrayStream {
  /** Stands for the tensor's values in the call; memory that is never touched costs nothing. */
  readonly scratch: Float32Array<ArrayBuffer>;
  readonly #x: Tensor;
  readonly #targets: readonly (Tensor | undefined)[];
  readonly #divisor: number;
  #reader: BufferReader | undefined;
  #filled: Promise<void> = Promise.resolve();
  #ended = false;

  /**
   * Nothing is read yet.
   *
   * @param x what this rank gives
   * @param targets where results go: one tensor, or one for each rank
   * @param divisor of the results
   */
  constructor(x: Tensor, targets: readonly (Tensor | undefined)[], divisor = 1) {
    this.#x = x.reshape(x.shape);
    this.#targets = targets;
    this.#divisor = divisor;
    this.scratch = new Float32Array(x.numel);
  }

  fill(_start: number, target: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(new DeviceError("Cannot read a tensor: its exchange has ended"));
    this.#reader ??= this.#x.device.reader(this.#x.array.storage.buffer);
    const reader = this.#reader;
    return this.#filled = this.#filled.then(() => reader.next(floats(target)));
  }

  take(start: number, bytes: Uint8Array, from = 0): void {
    const target = this.#targets[from];
    if (!target) return;
    let values = floats(bytes);
    if (this.#divisor !== 1) {
      const means = new Float32Array(values.length);
      divideInto(means, values, this.#divisor, "average");
      values = means;
    }
    target.device.write(target.array.storage.buffer, values, start / 4);
  }

  /** Ends it. @throws {DeviceError} what failed on the device */
  async end(): Promise<void> {
    const { device } = this.#x;
    this.#ended = true;
    await this.#filled.catch(() => {}); // Who waits for it is told.
    this.#x.dispose();
    await this.#reader?.end();
    await releaseDropped(device);
  }
}

/** What a streamed collective gets: scratch memory in place of the values, and options with the stream. */
export type StreamedCall<O> = (
  scratch: Float32Array,
  options: O & { stream: ArrayStream },
) => Promise<unknown>;

/** How a streamed collective is called. */
export interface StreamedExchange<O> {
  /** Options of the call. */
  readonly options: O;
  /** Where results go: one tensor, or one for each rank; freed if the call fails. */
  readonly targets: readonly (Tensor | undefined)[];
  /** Of the results; default 1. */
  readonly divisor?: number;
}

/** Runs a collective that takes x, and fills the targets, piece by piece. */
export async function exchangeStreamed<O>(
  x: Tensor,
  { options, targets, divisor }: StreamedExchange<O>,
  call: StreamedCall<O>,
): Promise<void> {
  const stream = new TensorStream(x, targets, divisor);
  try {
    try {
      await call(stream.scratch, { ...options, stream });
    } finally {
      await stream.end();
    }
  } catch (error) {
    targets.forEach((target) => target?.dispose());
    throw error;
  }
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
