import type { Tensor } from "../tensor/tensor.ts";
import { type BlurPadding, type BlurPath, borderTables } from "./blur_border.ts";
import { correlateVolumes } from "./correlate_volumes.ts";

/**
 * A blur by its definition: padding, then the filter's passes, one for any filter or one per axis for filters of rank one.
 * The adjoint is the full correlation, then the adjoint of the padding.
 */
export class SpatialBlur implements BlurPath {
  /** @param passes filters (1|B, 1|C, ...) whose composition is the filter of extents `taps` */
  constructor(
    readonly passes: readonly Tensor[],
    readonly taps: readonly number[],
    readonly padding: BlurPadding,
  ) {}

  async blur(x: Tensor): Promise<Tensor> {
    if (this.padding === "valid") return await this.#correlate(x, true);
    using padded = x.applyTables(borderTables(x.shape, this.taps, this.padding).pad);
    return await this.#correlate(padded, true);
  }

  async adjoint(y: Tensor): Promise<Tensor> {
    using around = y.pad(this.taps.map((size) => [size - 1, size - 1]));
    const extended = await this.#correlate(around, false);
    if (this.padding === "valid") return extended;
    using _ = extended;
    return extended.applyTables(borderTables(y.shape, this.taps, this.padding).fold);
  }

  /** All passes, without padding; `flip` makes them convolutions. */
  async #correlate(x: Tensor, flip: boolean): Promise<Tensor> {
    const apply = (image: Tensor, pass: Tensor): Tensor | Promise<Tensor> =>
      this.taps.length === 2 ? image.correlate(pass, { flip }) : correlateVolumes(image, pass, flip);
    let current = await apply(x, this.passes[0]);
    for (const pass of this.passes.slice(1)) {
      using previous = current;
      current = await apply(previous, pass);
    }
    return current;
  }
}
