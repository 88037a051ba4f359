import { generatorFor } from "../../tensor/random.ts";
import type { Tensor, TensorOptions } from "../../tensor/tensor.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import type { Philox } from "../../util/philox.ts";

/** Options of {@link PhysicsGenerator.step}. */
export interface StepOptions extends TensorOptions {
  /** How many; default 1. */
  batchSize?: number;
  /**
   * A whole number: the same parameters for it on every device and rank, item by item whatever the batch size. Without it
   * the shared, context-seeded generator goes on.
   */
  seed?: number;
}

/**
 * Draws random parameters of operators; what `step` returns is keyed by the operators' parameter names.
 *
 * @example Random noise levels, a new one for every image
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Denoising,
 *   openDevice,
 *   type Philox,
 *   PhysicsGenerator,
 *   setDefaultDevice,
 *   Tensor,
 *   type TensorOptions,
 * } from "@deepinv/distributed";
 *
 * class SigmaGenerator extends PhysicsGenerator<{ sigma: Tensor }> {
 *   protected override draw(batchSize: number, random: Philox, options: TensorOptions): { sigma: Tensor } {
 *     const levels = Array.from({ length: batchSize }, () => 0.1 + 0.4 * random.uniform());
 *     return { sigma: Tensor.from(levels, [batchSize], options) };
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const parameters = new SigmaGenerator().step({ batchSize: 4, seed: 1 });
 * const y = await new Denoising().forward(Tensor.zeros([4, 1, 64, 64]), { ...parameters, seed: 2 });
 * const deviations = y.square().mean([1, 2, 3]).sqrt();
 * assert.ok(await deviations.sub(parameters.sigma).abs().max().item() < 0.02);
 * ```
 */
export abstract class PhysicsGenerator<Parameters extends Readonly<Record<string, Tensor>>> {
  /**
   * Random parameters.
   *
   * @returns new tensors by the operators' names for them, (B, ...)
   * @throws {InvalidArgumentError} when the batch size is not a whole number >= 1
   */
  step(options: StepOptions = {}): Parameters {
    const { batchSize = 1, seed, device } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new InvalidArgumentError(
        "draw parameters",
        "batchSize",
        "a whole number >= 1",
        String(batchSize),
      );
    }
    return this.draw(batchSize, generatorFor(seed), { device });
  }

  /** Parameters of `batchSize` items from a generator, item after item. */
  protected abstract draw(batchSize: number, random: Philox, options: TensorOptions): Parameters;
}

/** The values of one item after the other, f(0), f(1), ..., each as long as the others. */
export function itemByItem(
  batchSize: number,
  f: (item: number) => ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const items = Array.from({ length: batchSize }, (_, item) => f(item));
  const values = new Float32Array(batchSize * items[0].length);
  items.forEach((item, k) => values.set(item, k * item.length));
  return values;
}
