import type { AxisTable } from "../compute/kernel.ts";
import type { ComplexFactor } from "../tensor/complex_factor.ts";
import { fft, ifft } from "../tensor/fft.ts";
import { gatherTable, transposeTable } from "../tensor/ops/axis.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type BlurPadding, type BlurPath, borderTables } from "./blur_border.ts";
import { factorOf, filterTransform, spatialDims } from "./filter_transform.ts";
import { fourierSizes } from "./fourier_sizes.ts";
import { pairUp, unpair } from "./plane_pairs.ts";

/** What serves all images of one size. */
interface SizePlan {
  /** Images onto the transform's grid, continued past their border and with zeros after that; none where it is the image's. */
  readonly enter: readonly { dim: number; table: AxisTable }[];
  /** The transpose of `enter`. */
  readonly leave: readonly { dim: number; table: AxisTable }[];
  /** The filter's transform. */
  readonly factor: ComplexFactor;
  /** Extents of the grid and of the blurred images. */
  readonly sizes: readonly number[];
  readonly outSizes: readonly number[];
}

/** Sizes whose plans are kept. */
const KEPT = 4;

/**
 * A blur by Fourier transforms, two real planes in one complex transform: the image is continued past its border and
 * filled up with zeros to a size that transforms fast, multiplied by the filter's transform, and cropped; the adjoint takes
 * the transposed steps backwards. Periodic images of such a size are transformed as they are.
 */
export class FourierBlur implements BlurPath {
  readonly #plans = new Map<string, SizePlan>();

  /** @param filter (1|B, 1|C, ...taps), used as long as the blur is */
  constructor(readonly filter: Tensor, readonly padding: BlurPadding) {}

  async blur(x: Tensor): Promise<Tensor> {
    const plan = this.#plan(x.shape);
    using entered = x.applyTables(plan.enter);
    using filtered = this.#multiply(entered, plan, false);
    return await Promise.resolve(filtered.slice([null, null, ...plan.outSizes.map((n) => [0, n] as const)]));
  }

  async adjoint(y: Tensor): Promise<Tensor> {
    const spatial = y.shape.slice(2);
    const taps = this.filter.shape.slice(2);
    const image = this.padding === "valid" ? spatial.map((n, d) => n + taps[d] - 1) : spatial;
    const plan = this.#plan([...y.shape.slice(0, 2), ...image]);
    using padded = y.pad(spatial.map((n, d) => [0, plan.sizes[d] - n]));
    using filtered = this.#multiply(padded, plan, true);
    return await Promise.resolve(filtered.applyTables(plan.leave));
  }

  /** Multiplies the transform of x (B, C, ...sizes) by the filter's, or its conjugate. */
  #multiply(x: Tensor, { factor, sizes }: SizePlan, conjugate: boolean): Tensor {
    const dims = spatialDims(sizes.length);
    using paired = pairUp(x, this.filter.shape);
    using spectrum = fft(paired, dims);
    using product = conjugate ? factor.conjugateTimes(spectrum) : factor.times(spectrum);
    using result = ifft(product, dims);
    return unpair(result, x.shape, this.filter.shape);
  }

  #plan(shape: readonly number[]): SizePlan {
    const key = shape.slice(2).join(" ");
    let plan = this.#plans.get(key);
    if (!plan) {
      plan = this.#makePlan(shape);
      this.#plans.set(key, plan);
      if (this.#plans.size > KEPT) {
        const [oldest, { factor }] = this.#plans.entries().next().value!;
        this.#plans.delete(oldest);
        factor[Symbol.dispose]();
      }
    }
    return plan;
  }

  #makePlan(shape: readonly number[]): SizePlan {
    const image = shape.slice(2), taps = this.filter.shape.slice(2);
    const { sizes, periodic } = fourierSizes(image, taps, this.padding);
    const origin = taps.map((size) => periodic ? Math.floor(size / 2) : size - 1);
    using transform = filterTransform(this.filter, sizes, origin);
    const factor = factorOf(transform);
    const outSizes = this.padding === "valid" ? image.map((n, d) => n - taps[d] + 1) : image;
    if (periodic) return { enter: [], leave: [], factor, sizes, outSizes };
    const borders = this.padding === "valid" ? [] : borderTables(shape, taps, this.padding).pad;
    const enter = sizes.map((rows, d) => {
      const border = borders.find(({ dim }) => dim === d + 2);
      const identity = () => gatherTable(image[d], Array.from({ length: image[d] }, (_, i) => i));
      return { dim: d + 2, table: withEmptyRows(border?.table ?? identity(), rows) };
    });
    const leave = enter.map(({ dim, table }) => ({ dim, table: transposeTable(table) })).reverse();
    return { enter, leave, factor, sizes, outSizes };
  }
}

function withEmptyRows(table: AxisTable, rows: number): AxisTable {
  const offsets = new Int32Array(rows + 1).fill(table.indices.length);
  offsets.set(table.offsets);
  return { ...table, offsets };
}
