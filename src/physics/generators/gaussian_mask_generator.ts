import { RandomMaskGenerator } from "./random_mask_generator.ts";

/**
 * Masks whose lines outside the centre are drawn without replacement, with the density
 * exp(-((x - W/2) / (W/10))^2 / 2) + 1 / (2 acceleration) (Schlemper et al., 2017).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { GaussianMaskGenerator, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new GaussianMaskGenerator({ imgSize: [16, 100], acceleration: 5 });
 * const { mask } = generator.step({ batchSize: 20, seed: 1 });
 * assert.deepEqual(mask.shape, [20, 1, 16, 100]);
 * const lines = mask.slice([null, null, [0, 1]]);
 * assert.equal(await lines.sum().item(), 20 * 20); // exactly a fifth in each
 * const middle = await lines.slice([null, null, null, [40, 60]]).mean().item();
 * const border = await lines.slice([null, null, null, [0, 20]]).mean().item();
 * assert.ok(middle > 3 * border);
 * ```
 */
export class GaussianMaskGenerator extends RandomMaskGenerator {
  /** How probable each column is, relatively. */
  protected override density(): Float64Array {
    const { width, acceleration } = this;
    return Float64Array.from(
      { length: width },
      (_, x) => Math.exp(-0.5 * ((x - width / 2) / (width / 10)) ** 2) + 1 / (2 * acceleration),
    );
  }
}
