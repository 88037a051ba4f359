import { fftCentred, ifftCentred } from "../tensor/fft.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import { asFilmMask, type DynamicMRIOptions, requireFilm } from "./dynamic_mri.ts";
import { MRI } from "./mri.ts";
import type { DrawOptions } from "./noise_model.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link SequentialMRI.A_adjoint}. */
export interface SequentialAdjointOptions {
  /** Gives F^-1 mask_t y_t for every frame, to look at, instead of their sum; default false. */
  keepTimeDim?: boolean;
}

const IMAGE_DIMS = [-2, -1];

/**
 * Single-coil magnetic resonance imaging of one image (B, 2, H, W) whose k-space is sampled little by little:
 * y_t = mask_t F x, y of shape (B, 2, T, H, W). Measurement noise is masked too.
 *
 * The adjoint is exact, F^-1 sum_t mask_t y_t. The average of what was measured more than once, which deepinv calls the adjoint,
 * is `A_dagger`: F^-1 (sum_t mask_t y_t / sum_t mask_t^2). With s^2 = sum_t mask_t^2, the decomposition is V^T = F, U = mask_t / s.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, SequentialMRI, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const column = Tensor.arange(0, 8).expand([8, 8]);
 * const left = column.greater(3), right = column.greater(3).neg().add(1); // half of k-space each
 * const scan = new SequentialMRI({ mask: Tensor.stack([left, right]) });
 * const x = Tensor.randn([1, 2, 8, 8], { seed: 1 });
 * const y = await scan.A(x);
 * assert.deepEqual(y.shape, [1, 2, 2, 8, 8]);
 * assert.ok(await (await scan.A_dagger(y)).sub(x).abs().max().item() < 1e-5); // together they have everything
 * ```
 */
export class SequentialMRI extends DecomposablePhysics {
  #mask: Tensor;
  /** s, (1|B, 1|2, H, W) */
  #values: Tensor;
  /** mask_t / s, 0 where s is, (1|B, 1|2, T, H, W) */
  #shares: Tensor;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when the mask has another number of dimensions or channels
   */
  constructor(options: DynamicMRIOptions) {
    super(options);
    this.#mask = asFilmMask("build SequentialMRI", options.mask);
    [this.#values, this.#shares] = decomposed(this.#mask);
  }

  /** The mask (1|B, 1|2, T, H, W). */
  get mask(): Tensor {
    return this.#mask;
  }

  /** `mask`. */
  protected override setters(): Setters {
    return {
      mask: (value) => {
        this.#mask = asFilmMask("update SequentialMRI", value as Tensor);
        this.#values.dispose();
        this.#shares.dispose();
        [this.#values, this.#shares] = decomposed(this.#mask);
      },
    };
  }

  /**
   * F^-1 sum_t mask_t y_t
   *
   * @param y k-space (B, 2, T, H, W)
   * @returns (B, 2, H, W), with `keepTimeDim` (B, 2, T, H, W)
   */
  override async A_adjoint(y: Tensor, options: SequentialAdjointOptions = {}): Promise<Tensor> {
    if (!options.keepTimeDim) return await super.A_adjoint(y);
    requireFilm("apply SequentialMRI", y, this.#mask);
    using masked = y.mul(this.#mask);
    return ifftCentred(masked, IMAGE_DIMS);
  }

  /** MRI with the samples that were taken at any time: the masks' sum, at most 1. */
  toStatic(): MRI {
    using sum = this.#mask.sum(2);
    return new MRI({ mask: sum.clamp(0, 1) });
  }

  /** mask noise(clean) */
  protected override async addNoise(clean: Tensor, draw: DrawOptions): Promise<Tensor> {
    using noisy = await super.addNoise(clean, draw);
    return noisy.mul(this.#mask);
  }

  /** s */
  protected override singularValues(): Tensor {
    return this.#values;
  }

  /** F x */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    const [height, width] = this.#mask.shape.slice(3);
    if (x.shape.length !== 4 || x.shape[1] !== 2 || x.shape[2] !== height || x.shape[3] !== width) {
      throw new InvalidArgumentError(
        "apply SequentialMRI",
        "the image",
        `of shape (B, 2, ${height}, ${width})`,
        formatShape(x.shape),
      );
    }
    return await Promise.resolve(fftCentred(x, IMAGE_DIMS));
  }

  /** F^-1 u */
  protected override async V(u: Tensor): Promise<Tensor> {
    return await Promise.resolve(ifftCentred(u, IMAGE_DIMS));
  }

  /** sum_t (mask_t / s) y_t */
  protected override async U_adjoint(y: Tensor): Promise<Tensor> {
    requireFilm("apply SequentialMRI", y, this.#mask);
    using weighted = y.mul(this.#shares);
    return await Promise.resolve(weighted.sum(2));
  }

  /** (mask_t / s) v for every t */
  protected override async U(v: Tensor): Promise<Tensor> {
    const [batch, channels, height, width] = v.shape;
    using film = v.reshape([batch, channels, 1, height, width]);
    return await Promise.resolve(film.mul(this.#shares));
  }
}

/** s and mask_t / s. */
function decomposed(mask: Tensor): [values: Tensor, shares: Tensor] {
  const values = mask.norm(2);
  const [batch, channels, , height, width] = mask.shape;
  using film = values.reshape([batch, channels, 1, height, width]);
  using quotient = mask.div(film);
  using expanded = film.expand(mask.shape);
  return [values, expanded.where(quotient, 0)];
}
