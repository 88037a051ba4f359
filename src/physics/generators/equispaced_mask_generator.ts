import type { Philox } from "../../util/philox.ts";
import { LineMaskGenerator } from "./line_mask_generator.ts";

/**
 * Masks with equidistant lines and a random offset, as fastMRI's (Zbontar et al., 2018): with n lines in the centre, the distance is
 * a (n - W) / (n a - W), a the acceleration, so that about W / a lines are measured in all. Later frames are moved by one
 * column each.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { EquispacedMaskGenerator, MRI, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new EquispacedMaskGenerator({ imgSize: [8, 32], acceleration: 4, centerFraction: 0 });
 * const { mask } = generator.step({ seed: 1 }); // a mask for MRI: new MRI({ mask })
 * const row = [...(await mask.data()).slice(0, 32)];
 * const lines = row.flatMap((value, column) => value ? [column] : []);
 * assert.ok(lines.slice(1).every((column, k) => column - lines[k] === 4)); // every fourth line
 * assert.ok(lines[0] < 4);
 * assert.deepEqual(new MRI({ mask }).mask.shape, [1, 1, 8, 32]);
 * ```
 */
export class EquispacedMaskGenerator extends LineMaskGenerator {
  /** All frames from one offset. */
  protected override drawFrames(frames: number, random: Philox): Float32Array[] {
    const { width, centerLines, acceleration } = this;
    const begin = Math.floor((width - centerLines + 1) / 2);
    const distance = acceleration * (width - centerLines) / (width - centerLines * acceleration);
    const columns = () => new Float32Array(width).fill(1, begin, begin + centerLines);
    if (distance === Infinity) return Array.from({ length: frames }, columns);
    const offset = Math.floor(random.uniform() * roundHalfEven(distance));
    return Array.from({ length: frames }, (_, t) => {
      const frame = columns();
      for (let x = (t + offset) % distance; x < width - 1; x += distance) frame[roundHalfEven(x)] = 1;
      return frame;
    });
  }
}

/** The nearest whole number, of two the even one. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x), rest = x - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return Math.round(x);
}
