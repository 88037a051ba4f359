import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { requireImages } from "./threshold.ts";

/** The largest window: a GPU looks at all its values 32 times. */
const LARGEST = 41;

/**
 * The median over a square window around every pixel, channel by channel, with mirrored borders; the lower one of the two
 * in the middle where the window has an even number of pixels.
 *
 * @example Broken pixels go
 * ```ts
 * import assert from "node:assert/strict";
 * import { MedianFilter, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const broken = Tensor.from(Float32Array.from({ length: 64 }, (_, i) => (i % 11 === 5 ? 9 : 1)), [1, 1, 8, 8]);
 * using filtered = await new MedianFilter({ kernelSize: 3 }).forward(broken);
 * assert((await filtered.data()).every((value) => value === 1));
 * ```
 */
export class MedianFilter extends Denoiser {
  /** Side of the window. */
  readonly kernelSize: number;

  /**
   * Sets the window.
   *
   * @param options.kernelSize side of the window in pixels, 1 to 41; default 9
   * @throws {InvalidArgumentError} when it is not such a number
   */
  constructor({ kernelSize = 9 }: { kernelSize?: number } = {}) {
    super();
    if (!Number.isInteger(kernelSize) || kernelSize < 1 || kernelSize > LARGEST) {
      const requirement = `a whole number in [1, ${LARGEST}]`;
      throw new InvalidArgumentError("build MedianFilter", "kernelSize", requirement, String(kernelSize));
    }
    this.kernelSize = kernelSize;
  }

  /**
   * The filtered images, of x's shape; NaN where a value in the window is.
   *
   * @param x (B, C, H, W), H and W larger than half the window
   * @param _sigma plays no part
   * @throws {InvalidArgumentError} for other shapes
   */
  override async forward(x: Tensor, _sigma?: number | Tensor): Promise<Tensor> {
    requireImages("MedianFilter", x);
    const before = (this.kernelSize - 1) >> 1, after = this.kernelSize - 1 - before;
    using padded = x.pad([[before, after], [before, after]], "reflect");
    const [batch, channels, height, width] = padded.shape;
    const output = Tensor.empty(x.shape, x);
    try {
      const window = { windowHeight: this.kernelSize, windowWidth: this.kernelSize };
      const kernel = { kind: "median", planes: batch * channels, height, width, ...window } as const;
      x.device.run(kernel, [padded.array.storage.buffer], output.array.storage.buffer);
      return await Promise.resolve(output);
    } catch (error) {
      output.dispose();
      throw error;
    }
  }
}
