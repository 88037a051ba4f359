import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { colourScene as sceneValues, deadLeavesScene, sheppLogan as phantomValues } from "../util/scene.ts";

/** Size and seed of a generated picture. */
export interface PictureOptions extends TensorOptions {
  /** Side, or [height, width], in pixels. */
  size: number | readonly [number, number];
  /** Default 0. */
  seed?: number;
}

function sides(size: number | readonly [number, number]): readonly [number, number] {
  return typeof size === "number" ? [size, size] : size;
}

/**
 * A generated colour picture with sharp edges and fine detail, (1, 3, H, W) in [0, 1]; the same for a seed everywhere.
 *
 * @throws {InvalidArgumentError} when a side is not a whole number >= 1
 */
export function colourScene(options: PictureOptions): Tensor {
  const [height, width] = sides(options.size);
  return Tensor.from(sceneValues(height, width, options.seed), [1, 3, height, width], options);
}

/**
 * Dead leaves (Lee, Mumford and Huang, 2001): discs of random colours that hide each other, radii ~ r^-3; (1, 3, H, W)
 * in [0, 1].
 *
 * @throws {InvalidArgumentError} when a side is not a whole number >= 1
 */
export function deadLeaves(options: PictureOptions): Tensor {
  const [height, width] = sides(options.size);
  return Tensor.from(deadLeavesScene(height, width, options.seed), [1, 3, height, width], options);
}

/**
 * The modified Shepp-Logan phantom (Toft's contrasts), (1, 1, n, n) in [0, 1].
 *
 * @param n side in pixels
 */
export function sheppLogan(n: number, options: TensorOptions = {}): Tensor {
  return Tensor.from(phantomValues(n), [1, 1, n, n], options);
}
