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

/** Draws random parameters of operators; what `step` returns is keyed by the operators' parameter names. */
export abstract class PhysicsGenerator<Parameters extends Readonly<Record<string, Tensor>>> {
  /**
   * Random parameters.
   *
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
