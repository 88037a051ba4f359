import type { Philox } from "../../util/philox.ts";
import { LineMaskGenerator } from "./line_mask_generator.ts";

/**
 * Masks with equidistant lines and a random offset, as fastMRI's: with n lines in the centre, the distance is
 * a (n - W) / (n a - W), a the acceleration, so that about W / a lines are measured in all. Later frames are moved by one
 * column each.
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
