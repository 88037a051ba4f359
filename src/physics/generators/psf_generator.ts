import { Tensor, type TensorOptions } from "../../tensor/tensor.ts";
import type { Philox } from "../../util/philox.ts";
import { itemByItem, PhysicsGenerator } from "./physics_generator.ts";
import { psfExtents, type PsfSize } from "./psf_size.ts";

/**
 * Draws point spread functions: `filter` is (B, 1, h, w).
 *
 * @example Kernels of one's own: defocus, discs of random radius
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, type Philox, PsfGenerator, setDefaultDevice } from "@deepinv/distributed";
 *
 * class DefocusGenerator extends PsfGenerator {
 *   constructor() {
 *     super("build DefocusGenerator", 11);
 *   }
 *   override kernel(random: Philox): Float64Array {
 *     const radius = 1 + 4 * random.uniform();
 *     const [height, width] = this.psfExtents;
 *     const disc = Float64Array.from({ length: height * width }, (_, k) => {
 *       const row = Math.floor(k / width) - (height - 1) / 2, column = k % width - (width - 1) / 2;
 *       return Math.hypot(row, column) <= radius ? 1 : 0;
 *     });
 *     const area = disc.reduce((sum, value) => sum + value, 0);
 *     return disc.map((value) => value / area);
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const { filter } = new DefocusGenerator().step({ batchSize: 4, seed: 1 });
 * assert.deepEqual(filter.shape, [4, 1, 11, 11]);
 * assert.ok(await filter.sum([1, 2, 3]).sub(1).abs().max().item() < 1e-6);
 * ```
 */
export abstract class PsfGenerator extends PhysicsGenerator<{ filter: Tensor }> {
  /** Height and width of the kernels. */
  readonly psfExtents: readonly [height: number, width: number];

  /**
   * Sets the size.
   *
   * @param action what errors say was being done, for example `"build DefocusGenerator"`
   * @param psfSize side, or height and width, of the kernels; default 31
   * @throws {InvalidArgumentError} when it is not of whole numbers >= 1
   */
  constructor(action: string, psfSize: PsfSize = 31) {
    super();
    this.psfExtents = psfExtents(action, psfSize);
  }

  /** The values of one kernel, row by row: as many as `psfExtents` has pixels. */
  abstract kernel(random: Philox): Float64Array;

  /** One kernel after the other. */
  protected override draw(batchSize: number, random: Philox, options: TensorOptions): { filter: Tensor } {
    const values = itemByItem(batchSize, () => this.kernel(random));
    return { filter: Tensor.from(values, [batchSize, 1, ...this.psfExtents], options) };
  }
}
