import { Tensor, type TensorOptions } from "../../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import type { Philox } from "../../util/philox.ts";
import { itemByItem, PhysicsGenerator, type StepOptions } from "./physics_generator.ts";

/** Options of {@link BernoulliSplittingMaskGenerator}. */
export interface BernoulliSplittingMaskOptions {
  /** What is masked, without the batch: (C, H, W), (C, M) or (M,). */
  tensorSize: readonly number[];
  /** Which part of the values is kept, in [0, 1]. */
  splitRatio: number;
  /** Whether all channels of a pixel are kept or dropped together; default true. */
  pixelwise?: boolean;
}

/**
 * Random masks for inpainting and for splitting measurements: every pixel is kept with the probability `splitRatio`.
 *
 * @example Measurements split in two, as for self-supervised training
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   BernoulliSplittingMaskGenerator,
 *   Inpainting,
 *   openDevice,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const sensor = new Inpainting({ imgSize: [1, 32, 32], mask: 0.8, seed: 1 });
 * const generator = new BernoulliSplittingMaskGenerator({ tensorSize: [1, 32, 32], splitRatio: 0.5 });
 * const { mask } = generator.step({ seed: 2, inputMask: sensor.mask }); // half of what the sensor sees
 * assert.deepEqual(mask.shape, [1, 1, 32, 32]);
 * const held = sensor.mask.sub(mask); // the other half
 * assert.equal(await mask.mul(held).max().item(), 0);
 * assert.ok(Math.abs(await mask.mean().item() - 0.4) < 0.05);
 *
 * sensor.update({ mask }); // names fit: what `step` returns is what the operator takes
 * assert.equal(await (await sensor.A(Tensor.ones([1, 1, 32, 32]))).sub(mask).abs().max().item(), 0);
 * ```
 */
export class BernoulliSplittingMaskGenerator extends PhysicsGenerator<{ mask: Tensor }> {
  readonly #size: readonly number[];
  readonly #ratio: number;
  readonly #pixelwise: boolean;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for sizes that are not whole numbers >= 1, and a ratio outside [0, 1]
   */
  constructor({ tensorSize, splitRatio, pixelwise = true }: BernoulliSplittingMaskOptions) {
    super();
    const action = "build BernoulliSplittingMaskGenerator";
    if (!tensorSize.length || !tensorSize.every((extent) => Number.isInteger(extent) && extent >= 1)) {
      throw new InvalidArgumentError(
        action,
        "tensorSize",
        "one or more whole numbers >= 1",
        formatShape(tensorSize),
      );
    }
    if (!(splitRatio >= 0 && splitRatio <= 1)) {
      throw new InvalidArgumentError(action, "splitRatio", "in [0, 1]", String(splitRatio));
    }
    this.#size = [...tensorSize];
    this.#ratio = splitRatio;
    this.#pixelwise = pixelwise && tensorSize.length > 1;
  }

  /**
   * Random masks, of what an earlier mask keeps where one is given.
   *
   * @param options.inputMask broadcasts to (B, ...tensorSize); left alone
   * @throws {InvalidArgumentError} when the batch size is not a whole number >= 1
   */
  override step(options: StepOptions & { inputMask?: Tensor } = {}): { mask: Tensor } {
    const { inputMask, ...rest } = options;
    const drawn = super.step(rest);
    if (!inputMask) return drawn;
    using mask = drawn.mask;
    return { mask: mask.mul(inputMask) };
  }

  /** `mask`: (B, ...tensorSize). */
  protected override draw(batchSize: number, random: Philox, options: TensorOptions): { mask: Tensor } {
    const extents = this.#pixelwise ? [1, ...this.#size.slice(1)] : this.#size;
    const length = extents.reduce((product, extent) => product * extent, 1);
    const values = itemByItem(
      batchSize,
      () => Float32Array.from({ length }, () => random.uniform() < this.#ratio ? 1 : 0),
    );
    using mask = Tensor.from(values, [batchSize, ...extents], options);
    return { mask: mask.expand([batchSize, ...this.#size]) };
  }
}
