import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import { firstPatterns, PATTERN_ORDERINGS, type PatternOrdering } from "./hadamard_orderings.ts";
import { requireImageSize, requireItems } from "./image_size.ts";
import type { PhysicsOptions } from "./physics.ts";
import { isPowerOfTwo, walshHadamard2D, walshHadamardPasses } from "./walsh_hadamard.ts";

/** Options of {@link SinglePixelCamera}. */
export interface SinglePixelCameraOptions extends PhysicsOptions, TensorOptions {
  /** Number of patterns, 1 to H W. */
  m: number;
  /** (C, H, W) of the images, H and W powers of two. */
  imgSize: readonly number[];
  /** Which patterns come first; default `"sequency"`. */
  ordering?: PatternOrdering;
}

/**
 * A camera with one detector that sees the image through m patterns: y = mask H x, H the orthonormal two-dimensional
 * Walsh-Hadamard transform (natural order) and mask 1 at the first m patterns of an ordering. Measurements (B, C, H, W) are 0
 * at the patterns not taken; each channel is measured by itself. Exact proximal operator and pseudo-inverse.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, SinglePixelCamera, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const camera = new SinglePixelCamera({ m: 16, imgSize: [1, 8, 8], ordering: "zig_zag" });
 * assert.equal(await camera.mask.sum().item(), 16); // a quarter of the patterns
 * const flat = Tensor.ones([1, 1, 8, 8]);
 * const y = await camera.A(flat);
 * assert.ok(Math.abs(await y.max().item() - 8) < 1e-5); // only the first pattern, all ones over 8, sees it
 * assert.ok(await (await camera.A_dagger(y)).sub(flat).abs().max().item() < 1e-5);
 * ```
 */
export class SinglePixelCamera extends DecomposablePhysics {
  /** (C, H, W) of the images. */
  readonly imgSize: readonly number[];
  /** 1 at the patterns taken, (1, 1, H, W). */
  readonly mask: Tensor;
  readonly #passes: Parameters<typeof walshHadamard2D>[1];

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} for sizes that are not powers of two, an unknown ordering, or m out of range
   */
  constructor(options: SinglePixelCameraOptions) {
    super(options);
    const { m, imgSize, ordering = "sequency", device } = options;
    const action = "build SinglePixelCamera";
    requireImageSize(action, imgSize);
    const [, height, width] = imgSize;
    if (!isPowerOfTwo(height) || !isPowerOfTwo(width)) {
      throw new InvalidArgumentError(
        action,
        "imgSize",
        "(C, H, W), H and W powers of two",
        formatShape(imgSize),
      );
    }
    if (!PATTERN_ORDERINGS.includes(ordering)) {
      throw new InvalidArgumentError(
        action,
        "ordering",
        `one of ${PATTERN_ORDERINGS.join(", ")}`,
        `"${ordering}"`,
      );
    }
    if (!Number.isInteger(m) || m < 1 || m > height * width) {
      throw new InvalidArgumentError(action, "m", `a whole number in [1, ${height * width}]`, String(m));
    }
    this.imgSize = imgSize;
    const mask = new Float32Array(height * width);
    for (const position of firstPatterns(ordering, height, width, m)) mask[position] = 1;
    this.mask = Tensor.from(mask, [1, 1, height, width], { device });
    this.#passes = { height: walshHadamardPasses(height), width: walshHadamardPasses(width) };
  }

  /** The mask. */
  protected override singularValues(): Tensor {
    return this.mask;
  }

  /** H x */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    requireItems("apply SinglePixelCamera", "the image", x, this.imgSize);
    return await Promise.resolve(walshHadamard2D(x, this.#passes));
  }

  /** H u: the transform is its own inverse. */
  protected override async V(u: Tensor): Promise<Tensor> {
    return await this.V_adjoint(u);
  }
}
