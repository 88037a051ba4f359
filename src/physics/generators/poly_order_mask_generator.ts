import type { Philox } from "../../util/philox.ts";
import { LineMaskGenerator, type LineMaskOptions } from "./line_mask_generator.ts";
import { requireNumber } from "./psf_size.ts";

/** Options of {@link PolyOrderMaskGenerator}. */
export interface PolyOrderMaskOptions extends LineMaskOptions {
  /** Order p of the polynomial; default 8. */
  polyOrder?: number;
}

/** Halvings of the interval that holds the shift of the density. */
const BISECTIONS = 50;

/**
 * Masks whose lines are independent, column x with probability min(max((1 - |r|)^p + c, 0), 1), r from -1 to 1 over the
 * columns, and 1 in the centre; c makes W / acceleration lines the expected number (Millard and Chiew, 2023).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, PolyOrderMaskGenerator, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new PolyOrderMaskGenerator({ imgSize: [4, 100], acceleration: 4, polyOrder: 8 });
 * const { mask } = generator.step({ batchSize: 100, seed: 1 });
 * const share = await mask.mean().item();
 * assert.ok(Math.abs(share - 1 / 4) < 0.01); // on average; the number of lines differs from mask to mask
 * assert.equal(await mask.slice([null, null, null, [46, 54]]).min().item(), 1); // the centre
 * ```
 */
export class PolyOrderMaskGenerator extends LineMaskGenerator {
  readonly #probabilities: Float64Array;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} as the other masks, and for an order that is not >= 0
   */
  constructor(options: PolyOrderMaskOptions) {
    super(options);
    const { polyOrder = 8 } = options;
    requireNumber("build PolyOrderMaskGenerator", "polyOrder", polyOrder, 0);
    let [low, high] = [-1, 1];
    for (let k = 0; k < BISECTIONS; k++) {
      const middle = (low + high) / 2;
      const expected = this.#shifted(polyOrder, middle).reduce((sum, p) => sum + p, 0);
      if (expected < this.width / this.acceleration) low = middle;
      else high = middle;
    }
    this.#probabilities = this.#shifted(polyOrder, (low + high) / 2);
  }

  /** Every frame on its own. */
  protected override drawFrames(frames: number, random: Philox): Float32Array[] {
    return Array.from(
      { length: frames },
      () => Float32Array.from(this.#probabilities, (p) => random.uniform() < p ? 1 : 0),
    );
  }

  #shifted(order: number, shift: number): Float64Array {
    const { width } = this, [begin, end] = this.center;
    return Float64Array.from({ length: width }, (_, x) => {
      const r = width > 1 ? Math.abs(2 * x / (width - 1) - 1) : 0;
      return Math.min(Math.max((1 - r) ** order + shift, 0), 1);
    }).fill(1, begin, end);
  }
}
