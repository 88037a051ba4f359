import type { Philox } from "../../util/philox.ts";
import { LineMaskGenerator } from "./line_mask_generator.ts";

/**
 * Masks whose lines outside the centre are drawn without replacement, all with the same probability.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { MRI, openDevice, RandomMaskGenerator, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new RandomMaskGenerator({ imgSize: [32, 50], acceleration: 4, centerFraction: 0.08 });
 * const { mask } = generator.step({ seed: 1 });
 * const scan = new MRI({ mask });
 * assert.deepEqual(scan.mask.shape, [1, 1, 32, 50]);
 * assert.equal(await mask.slice([null, null, [0, 1]]).sum().item(), 12); // floor(50 / 4) lines
 * assert.equal(await mask.slice([null, null, null, [23, 27]]).min().item(), 1); // 4 of them in the centre
 * ```
 */
export class RandomMaskGenerator extends LineMaskGenerator {
  /** Every frame on its own. */
  protected override drawFrames(frames: number, random: Philox): Float32Array[] {
    const [begin, end] = this.center;
    const density = this.density().fill(0, begin, end);
    return Array.from({ length: frames }, () => {
      const columns = new Float32Array(this.width).fill(1, begin, end);
      for (const column of drawWithoutReplacement(random, density, this.otherLines)) columns[column] = 1;
      return columns;
    });
  }

  /** How probable each column is, relatively. */
  protected density(): Float64Array {
    return new Float64Array(this.width).fill(1);
  }
}

/** `count` different positions, one after the other, with probabilities proportional to the weights that are left. */
function drawWithoutReplacement(random: Philox, weights: Float64Array, count: number): number[] {
  const left = weights.slice();
  return Array.from({ length: count }, () => {
    let rest = random.uniform() * left.reduce((sum, weight) => sum + weight, 0);
    let chosen = -1;
    for (let k = 0; k < left.length && (chosen < 0 || rest >= 0); k++) {
      if (left[k] === 0) continue;
      chosen = k;
      rest -= left[k];
    }
    left[chosen] = 0;
    return chosen;
  });
}
