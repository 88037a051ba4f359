import { Tensor, type TensorOptions } from "../../tensor/tensor.ts";
import type { Philox } from "../../util/philox.ts";
import { itemByItem, PhysicsGenerator } from "./physics_generator.ts";
import { psfExtents, type PsfSize } from "./psf_size.ts";

/** Draws point spread functions: `filter` is (B, 1, h, w). */
export abstract class PsfGenerator extends PhysicsGenerator<{ filter: Tensor }> {
  /** Height and width of the kernels. */
  readonly psfExtents: readonly [height: number, width: number];

  /**
   * Sets the size.
   *
   * @throws {InvalidArgumentError} when it is not of whole numbers >= 1
   */
  constructor(action: string, psfSize: PsfSize = 31) {
    super();
    this.psfExtents = psfExtents(action, psfSize);
  }

  /** The values of one kernel, row by row. */
  abstract kernel(random: Philox): Float64Array;

  /** One kernel after the other. */
  protected override draw(batchSize: number, random: Philox, options: TensorOptions): { filter: Tensor } {
    const values = itemByItem(batchSize, () => this.kernel(random));
    return { filter: Tensor.from(values, [batchSize, 1, ...this.psfExtents], options) };
  }
}
