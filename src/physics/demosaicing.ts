import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { requireImageSize } from "./image_size.ts";
import { Inpainting } from "./inpainting.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link Demosaicing}. */
export interface DemosaicingOptions extends PhysicsOptions, TensorOptions {
  /** (3, H, W) of the images. */
  imgSize: readonly number[];
  /** The colour filters' arrangement; `"bayer"` is the only one. */
  pattern?: "bayer";
}

/**
 * A colour camera's Bayer filter: each pixel sees one channel, red at (odd row, odd column), green at (even, odd) and
 * (odd, even), blue at (even, even), counted from 0. Images and measurements are (B, 3, H, W), the latter 0 where a channel
 * is not seen; proximal operator and pseudo-inverse are exact.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Demosaicing, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const camera = new Demosaicing({ imgSize: [3, 4, 4] });
 * const colour = Tensor.from([10, 20, 30]).reshape([1, 3, 1, 1]).expand([1, 3, 4, 4]);
 * const y = await camera.A(colour); // (1, 3, 4, 4): zeros where a channel is not seen
 * const mosaic = await y.sum(1).data();
 * assert.deepEqual([...mosaic.slice(0, 2), ...mosaic.slice(4, 6)], [30, 20, 20, 10]); // blue green / green red
 * ```
 */
export class Demosaicing extends Inpainting {
  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when the images do not have three channels, or the pattern is unknown
   */
  constructor(options: DemosaicingOptions) {
    super({ ...options, mask: bayerMask(options) });
  }

  /** Nothing: the pattern is fixed. */
  protected override setters(): Setters {
    return {};
  }
}

function bayerMask({ imgSize, pattern = "bayer", device }: DemosaicingOptions): Tensor {
  if (pattern !== "bayer") {
    throw new InvalidArgumentError("build Demosaicing", "pattern", '"bayer"', `"${pattern}"`);
  }
  requireImageSize("build Demosaicing", imgSize, ["(3, H, W)"]);
  if (imgSize[0] !== 3) {
    throw new InvalidArgumentError("build Demosaicing", "imgSize", "(3, H, W)", formatShape(imgSize));
  }
  const [, height, width] = imgSize;
  const values = new Float32Array(3 * height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const channel = 2 - (row % 2) - (column % 2);
      values[(channel * height + row) * width + column] = 1;
    }
  }
  return Tensor.from(values, [1, 3, height, width], { device });
}
