import { Tensor, type TensorOptions } from "../../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import type { Philox } from "../../util/philox.ts";
import { PhysicsGenerator } from "./physics_generator.ts";

/** Options of the generators of k-space masks. */
export interface LineMaskOptions {
  /** (H, W), (C, H, W) or, with frames in time, (C, T, H, W). */
  imgSize: readonly number[];
  /** How many times fewer lines are measured than there are, >= 1; default 4. */
  acceleration?: number;
  /** Which part of the lines is measured in the centre, in [0, 1]; default 0.08, from acceleration 8 on 0.04. */
  centerFraction?: number;
}

/**
 * Random masks of vertical lines for accelerated MRI: the centre of k-space, floor(centerFraction W) columns, and lines
 * elsewhere, floor(W / acceleration) in all; ones where it is measured. Channels share a mask, items and frames do not.
 *
 * @example Masks of one's own: the centre, and every other line
 * ```ts
 * import assert from "node:assert/strict";
 * import { LineMaskGenerator, openDevice, type Philox, setDefaultDevice } from "@deepinv/distributed";
 *
 * class EveryOther extends LineMaskGenerator {
 *   protected override drawFrames(frames: number, random: Philox): Float32Array[] {
 *     const [begin, end] = this.center;
 *     const parity = random.uniform() < 0.5 ? 0 : 1;
 *     const columns = Float32Array.from({ length: this.width }, (_, x) => x % 2 === parity ? 1 : 0);
 *     return Array.from({ length: frames }, () => columns.fill(1, begin, end));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new EveryOther({ imgSize: [2, 8, 16], acceleration: 2, centerFraction: 0.25 });
 * const { mask } = generator.step({ batchSize: 3, seed: 1 });
 * assert.deepEqual(mask.shape, [3, 2, 8, 16]);
 * assert.equal(await mask.slice([[0, 1], [0, 1], [0, 1]]).sum().item(), 8 + 2); // the centre adds two
 * ```
 */
export abstract class LineMaskGenerator extends PhysicsGenerator<{ mask: Tensor }> {
  /** How many times fewer lines are measured than there are. */
  readonly acceleration: number;
  /** Number of columns. */
  protected readonly width: number;
  /** Number of columns measured in the centre. */
  protected readonly centerLines: number;
  /** Number of columns measured elsewhere. */
  protected readonly otherLines: number;
  /** (C, H, W) or (C, T, H, W). */
  readonly #shape: readonly number[];

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for options out of range, and a centre with more lines than are measured
   */
  constructor(options: LineMaskOptions) {
    super();
    const { imgSize, acceleration = 4 } = options;
    const { centerFraction = acceleration < 8 ? 0.08 : 0.04 } = options;
    const action = "build a mask generator";
    const fits = imgSize.length >= 2 && imgSize.length <= 4 &&
      imgSize.every((extent) => Number.isInteger(extent) && extent >= 1);
    if (!fits) {
      throw new InvalidArgumentError(
        action,
        "imgSize",
        "(H, W), (C, H, W) or (C, T, H, W), whole numbers >= 1",
        formatShape(imgSize),
      );
    }
    if (!(acceleration >= 1 && acceleration < Infinity)) {
      throw new InvalidArgumentError(action, "acceleration", "finite and >= 1", String(acceleration));
    }
    if (!(centerFraction >= 0 && centerFraction <= 1)) {
      throw new InvalidArgumentError(action, "centerFraction", "in [0, 1]", String(centerFraction));
    }
    this.#shape = imgSize.length === 2 ? [1, ...imgSize] : [...imgSize];
    this.acceleration = acceleration;
    this.width = imgSize.at(-1)!;
    this.centerLines = Math.floor(centerFraction * this.width);
    const lines = Math.floor(this.width / acceleration);
    this.otherLines = lines - this.centerLines;
    if (this.otherLines < 0) {
      throw new InvalidArgumentError(
        action,
        "centerFraction",
        `at most ${lines} of ${this.width} lines at acceleration ${acceleration}`,
        `${this.centerLines} lines`,
      );
    }
  }

  /** `mask`: (B, C, H, W) or (B, C, T, H, W). */
  protected override draw(batchSize: number, random: Philox, options: TensorOptions): { mask: Tensor } {
    const [channels, ...rest] = this.#shape;
    const frames = rest.length === 3 ? rest[0] : 1;
    const everything = this.otherLines + this.centerLines >= this.width;
    const lines = new Float32Array(batchSize * frames * this.width);
    for (let item = 0; item < batchSize; item++) {
      const drawn = everything
        ? Array.from({ length: frames }, () => new Float32Array(this.width).fill(1))
        : this.drawFrames(frames, random);
      drawn.forEach((frame, t) => lines.set(frame, (item * frames + t) * this.width));
    }
    const inner = rest.length === 3 ? [frames, 1, this.width] : [1, this.width];
    using columns = Tensor.from(lines, [batchSize, 1, ...inner], options);
    return { mask: columns.expand([batchSize, channels, ...rest]) };
  }

  /** The columns of one item's frames, 1 where they are measured, (W,) each. */
  protected abstract drawFrames(frames: number, random: Philox): readonly Float32Array[];

  /** The range of the centre's columns. */
  protected get center(): readonly [begin: number, end: number] {
    const middle = Math.floor(this.width / 2);
    return [middle - Math.floor(this.centerLines / 2), middle + Math.ceil(this.centerLines / 2)];
  }
}
