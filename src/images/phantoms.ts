import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import {
  colourScene as sceneValues,
  deadLeavesScene,
  sheppLogan as phantomValues,
  sheppLogan3D,
} from "../util/scene.ts";

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
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { colourScene, openDevice, setDefaultDevice } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = colourScene({ size: [32, 48], seed: 3 });
 * assert.deepEqual(x.shape, [1, 3, 32, 48]);
 * assert.ok(await x.min().item() >= 0 && await x.max().item() <= 1);
 * assert.deepEqual(await x.data(), await colourScene({ size: [32, 48], seed: 3 }).data());
 * ```
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
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const batch = Tensor.cat([0, 1, 2, 3].map((seed) => deadLeaves({ size: [24, 32], seed }))); // four pictures
 * assert.deepEqual(batch.shape, [4, 3, 24, 32]);
 * assert.ok(await batch.min().item() >= 0 && await batch.max().item() <= 1);
 * assert.equal(new Set(await batch.mean([1, 2, 3]).data()).size, 4); // all different
 * ```
 */
export function deadLeaves(options: PictureOptions): Tensor {
  const [height, width] = sides(options.size);
  return Tensor.from(deadLeavesScene(height, width, options.seed), [1, 3, height, width], options);
}

/** Options of {@link sheppLogan}. */
export interface PhantomOptions extends TensorOptions {
  /** 2 for an image, 3 for a volume; default 2. */
  dims?: 2 | 3;
}

/**
 * The modified Shepp-Logan phantom (Toft's contrasts), an image (1, 1, n, n) or a volume (1, 1, n, n, n) in [0, 1].
 *
 * @param n side in pixels
 * @throws {InvalidArgumentError} when the side is not a whole number >= 1, or for dimensions other than 2 and 3
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, sheppLogan } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = sheppLogan(64);
 * assert.deepEqual(x.shape, [1, 1, 64, 64]);
 * assert.equal(await x.max().item(), 1); // the skull
 * assert.ok(Math.abs(await x.slice([null, null, [24, 25], [32, 33]]).item() - 0.3) < 1e-6); // a tumour
 * assert.deepEqual(sheppLogan(16, { dims: 3 }).shape, [1, 1, 16, 16, 16]); // a volume
 * ```
 */
export function sheppLogan(n: number, { dims = 2, device }: PhantomOptions = {}): Tensor {
  if (dims !== 2 && dims !== 3) {
    throw new InvalidArgumentError("draw the Shepp-Logan phantom", "dims", "2 or 3", String(dims));
  }
  const values = dims === 2 ? phantomValues(n) : sheppLogan3D(n);
  return Tensor.from(values, [1, 1, ...new Array<number>(dims).fill(n)], { device });
}
