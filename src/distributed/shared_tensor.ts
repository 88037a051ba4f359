import type { ReduceOp } from "../comm/reduce_ops.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** Options of {@link SharedTensor.allReduce}. */
export interface SharedReduceOptions {
  /** How elements are combined; by default `"sum"`. */
  op?: ReduceOp;
  /** Deadline in milliseconds; by default the group's. */
  timeout?: number;
}

/**
 * float32 values of some shape in memory that the ranks of a host share: reduced in place, without a copy into or out of a
 * staging area. Made by `ctx.sharedTensor(shape)`. Where ranks cannot share memory it works the same, over messages.
 *
 * @example A sum over the ranks of a host without copies
 * ```ts
 * import assert from "node:assert/strict";
 * import { DistributedContext } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const sum = await ctx.sharedTensor([2, 3]); // called by all ranks
 * sum.values.fill(ctx.rank + 1); // this rank's part: a Float32Array
 * await sum.allReduce();
 * using total = sum.toTensor();
 * assert.deepEqual(total.shape, [2, 3]);
 * assert.equal(await total.max().item(), ctx.worldSize * (ctx.worldSize + 1) / 2);
 * ```
 */
export class SharedTensor {
  readonly #reduce: (values: Float32Array, options: SharedReduceOptions) => Promise<Float32Array>;

  /**
   * Made by `sharedTensor` of a context or group.
   *
   * @param shape extents of the dimensions
   * @param values this rank's values, in shared memory, row by row
   * @param reduce combines the values of the ranks that share it, in place
   */
  constructor(
    readonly shape: readonly number[],
    readonly values: Float32Array,
    reduce: (values: Float32Array, options: SharedReduceOptions) => Promise<Float32Array>,
  ) {
    this.#reduce = reduce;
  }

  /** Number of values. */
  get numel(): number {
    return this.values.length;
  }

  /**
   * Copies a tensor's values into this rank's part.
   *
   * @param x of this shape, on any device
   * @throws {InvalidArgumentError} for another shape
   */
  async set(x: Tensor): Promise<void> {
    if (formatShape(x.shape) !== formatShape(this.shape)) {
      throw new InvalidArgumentError(
        "fill a shared tensor",
        "x",
        `of shape ${formatShape(this.shape)}`,
        formatShape(x.shape),
      );
    }
    this.values.set(await x.data());
  }

  /** Combines all ranks' values, element by element, in place; the same bits on every rank. Errors are `allReduce`'s. */
  async allReduce(options: SharedReduceOptions = {}): Promise<this> {
    await this.#reduce(this.values, options);
    return this;
  }

  /** A tensor with a copy of this rank's values, on the default device or the given one. */
  toTensor(options: TensorOptions = {}): Tensor {
    return Tensor.from(this.values, this.shape, options);
  }
}
