import { fftCentred, ifftCentred } from "../tensor/fft.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import { MRI, type MRIAdjointOptions } from "./mri.ts";
import type { DrawOptions } from "./noise_model.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link DynamicMRI} and `SequentialMRI`. */
export interface DynamicMRIOptions extends PhysicsOptions {
  /**
   * Which samples of k-space are measured at which time, usually 0 or 1: (H, W), (T, H, W), (1|2, T, H, W) or
   * (1|B, 1|2, T, H, W). The operator keeps using it: dispose it after the operator's last use.
   */
  mask: Tensor;
}

const IMAGE_DIMS = [-2, -1];

/**
 * Single-coil magnetic resonance imaging of a film (B, 2, T, H, W): y_t = mask_t F x_t, F the centred unitary Fourier transform
 * of each frame. Measurement noise is masked too. Exact proximal operator and pseudo-inverse.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   DynamicMRI,
 *   openDevice,
 *   RandomMaskGenerator,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const generator = new RandomMaskGenerator({ imgSize: [2, 4, 16, 16], acceleration: 4 }); // (C, T, H, W)
 * const { mask } = generator.step({ seed: 1 }); // other lines in every frame
 * const scan = new DynamicMRI({ mask });
 * const film = Tensor.randn([1, 2, 4, 16, 16], { seed: 1 });
 * const y = await scan.A(film);
 * assert.deepEqual(y.shape, film.shape);
 * assert.ok(Math.abs(await scan.adjointnessTest(film)) < 1e-3);
 * assert.deepEqual((await scan.A_adjoint(y, { mag: true })).shape, [1, 1, 4, 16, 16]);
 * const once = await scan.toStatic().mask.mean().item(); // what any frame has seen
 * assert.ok(once > 1 / 4 && once <= 1);
 * ```
 */
export class DynamicMRI extends DecomposablePhysics {
  #mask: Tensor;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when the mask has another number of dimensions or channels
   */
  constructor(options: DynamicMRIOptions) {
    super(options);
    this.#mask = asFilmMask("build DynamicMRI", options.mask);
  }

  /** The mask (1|B, 1|2, 1|T, H, W). */
  get mask(): Tensor {
    return this.#mask;
  }

  /** `mask`. */
  protected override setters(): Setters {
    return { mask: (value) => this.#mask = asFilmMask("update DynamicMRI", value as Tensor) };
  }

  /**
   * F^-1 mask_t y_t
   *
   * @param y k-space (B, 2, T, H, W)
   * @param options.mag gives magnitudes (B, 1, T, H, W)
   * @returns (B, 2, T, H, W)
   * @throws {InvalidArgumentError} for another size than the mask's
   */
  override async A_adjoint(y: Tensor, options: MRIAdjointOptions = {}): Promise<Tensor> {
    const film = await super.A_adjoint(y);
    if (!options.mag) return film;
    using own = film;
    return own.norm(1, { keepDims: true });
  }

  /** MRI of a single image, with the samples that were taken at any time: the masks' sum, at most 1. */
  toStatic(): MRI {
    using sum = this.#mask.sum(2);
    return new MRI({ mask: sum.clamp(0, 1) });
  }

  /** mask noise(clean) */
  protected override async addNoise(clean: Tensor, draw: DrawOptions): Promise<Tensor> {
    using noisy = await super.addNoise(clean, draw);
    return noisy.mul(this.#mask);
  }

  /** The mask. */
  protected override singularValues(): Tensor {
    return this.#mask;
  }

  /** F x_t */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    requireFilm("apply DynamicMRI", x, this.#mask);
    return await Promise.resolve(fftCentred(x, IMAGE_DIMS));
  }

  /** F^-1 u_t */
  protected override async V(u: Tensor): Promise<Tensor> {
    requireFilm("apply DynamicMRI", u, this.#mask);
    return await Promise.resolve(ifftCentred(u, IMAGE_DIMS));
  }
}

/**
 * A mask as (1|B, 1|2, 1|T, H, W).
 *
 * @throws {InvalidArgumentError} when its number of dimensions or of channels does not fit
 */
export function asFilmMask(action: string, mask: Tensor): Tensor {
  const rank = mask instanceof Tensor ? mask.shape.length : 0;
  const channels = rank > 3 ? mask.shape[rank - 4] : 1;
  if (rank < 2 || rank > 5 || (channels !== 1 && channels !== 2)) {
    throw new InvalidArgumentError(
      action,
      "mask",
      "(H, W), (T, H, W), (1|2, T, H, W) or (1|B, 1|2, T, H, W)",
      mask instanceof Tensor ? formatShape(mask.shape) : String(mask),
    );
  }
  return mask.reshape([...new Array<number>(5 - rank).fill(1), ...mask.shape]);
}

/**
 * Refuses what is not a film of a mask's size.
 *
 * @throws {InvalidArgumentError} with both shapes
 */
export function requireFilm(action: string, x: Tensor, mask: Tensor): void {
  const [, , frames, height, width] = mask.shape;
  const fits = x.shape.length === 5 && x.shape[1] === 2 && (frames === 1 || x.shape[2] === frames) &&
    x.shape[3] === height && x.shape[4] === width;
  if (fits) return;
  const time = frames === 1 ? "T" : String(frames);
  throw new InvalidArgumentError(
    action,
    "its argument",
    `of shape (B, 2, ${time}, ${height}, ${width})`,
    formatShape(x.shape),
  );
}
