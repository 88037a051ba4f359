import { realPart, toComplex } from "../tensor/complex.ts";
import type { ComplexFactor } from "../tensor/complex_factor.ts";
import { fft, ifft } from "../tensor/fft.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import { factorOf, filterTransform, spatialDims } from "./filter_transform.ts";
import { requireImageSize, requireItems } from "./image_size.ts";
import type { PhysicsOptions } from "./physics.ts";
import type { Setters } from "./updatable.ts";

/** Options of {@link BlurFFT}. */
export interface BlurFFTOptions extends PhysicsOptions {
  /** (C, H, W) of the images, or (C, D, H, W) of the volumes. */
  imgSize: readonly number[];
  /** The point spread function (1|B, 1|C, h, w), of volumes (1|B, 1|C, d, h, w); its centre is floor(size / 2). */
  filter: Tensor;
}

/** Real and imaginary part are the extents of this dimension of a spectrum (B, 2, C, H, W). */
const COMPLEX_DIM = 1;

/**
 * A circular blur computed by Fourier transforms, for filters of any size: with h^ the filter's transform,
 * U = F^-1 exp(i arg h^), s = |h^|, V^T = F (unitary). Equal to `Blur` with `"circular"`; proximal operator and
 * pseudo-inverse are exact.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   BlurFFT,
 *   deadLeaves,
 *   gaussianBlur,
 *   openDevice,
 *   psnr,
 *   setDefaultDevice,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = deadLeaves({ size: 32, seed: 1 }), filter = gaussianBlur({ sigma: 0.7 });
 * const blur = new BlurFFT({ imgSize: [3, 32, 32], filter });
 * const y = await blur.A(x);
 * const same = await new Blur({ filter, padding: "circular" }).A(x);
 * assert.ok(await y.sub(same).abs().max().item() < 1e-5);
 *
 * const restored = await blur.A_dagger(y); // exact, no iterations
 * assert.ok(await psnr(restored, x).item() > 60);
 * blur.update({ filter: gaussianBlur({ sigma: 2 }) });
 * ```
 */
export class BlurFFT extends DecomposablePhysics {
  /** (C, H, W) of the images, or (C, D, H, W) of the volumes. */
  readonly imgSize: readonly number[];
  /** |h^|, (1|B, 1, 1|C, H, W) */
  #magnitude: Tensor;
  /** h^ / |h^|; 0 where h^ is. */
  #phase: ComplexFactor;

  /**
   * Builds the operator; the filter may be disposed afterwards.
   *
   * @throws {InvalidArgumentError} when imgSize is not (C, H, W) or (C, D, H, W), or the filter does not fit it
   */
  constructor(options: BlurFFTOptions) {
    const { imgSize, filter } = options;
    requireFilter(imgSize, filter);
    const kept: BlurFFTOptions = { ...options, filter: filter.clone() };
    super(kept);
    this.imgSize = imgSize;
    [this.#magnitude, this.#phase] = polarTransform(imgSize, filter);
  }

  /** `filter`, which may be disposed afterwards. */
  override update(parameters: object): void {
    const { filter } = parameters as { filter?: unknown };
    super.update(filter instanceof Tensor ? { ...parameters, filter: filter.clone() } : parameters);
  }

  /** `filter`. */
  protected override setters(): Setters {
    return {
      filter: (value) => {
        requireFilter(this.imgSize, value);
        this.#magnitude.dispose();
        this.#phase[Symbol.dispose]();
        [this.#magnitude, this.#phase] = polarTransform(this.imgSize, value);
      },
    };
  }

  get #dims(): number[] {
    return spatialDims(this.imgSize.length - 1);
  }

  /** |h^|, of shape (1|B, 1, 1|C, H, W). */
  protected override singularValues(): Tensor {
    return this.#magnitude;
  }

  /** F x, of shape (B, 2, C, H, W). */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    requireItems("apply BlurFFT", "the image", x, this.imgSize);
    using complex = toComplex(x);
    return await Promise.resolve(fft(complex, this.#dims, { norm: "ortho" }));
  }

  /** The real part of F^-1 u. */
  protected override async V(u: Tensor): Promise<Tensor> {
    using complex = ifft(u, this.#dims, { norm: "ortho" });
    return await Promise.resolve(realPart(complex));
  }

  /** exp(-i arg h^) F y */
  protected override async U_adjoint(y: Tensor): Promise<Tensor> {
    using spectrum = await this.V_adjoint(y);
    return this.#phase.conjugateTimes(spectrum);
  }

  /** F^-1 exp(i arg h^) v */
  protected override async U(v: Tensor): Promise<Tensor> {
    using turned = this.#phase.times(v);
    return await this.V(turned);
  }
}

function requireFilter(imgSize: readonly number[], filter: unknown): asserts filter is Tensor {
  requireImageSize("build BlurFFT", imgSize, ["(C, H, W)", "(C, D, H, W)"]);
  const fits = filter instanceof Tensor && filter.shape.length === imgSize.length + 1 && filter.numel > 0 &&
    (filter.shape[1] === 1 || filter.shape[1] === imgSize[0]);
  if (fits) return;
  throw new InvalidArgumentError(
    "build BlurFFT",
    "filter",
    `of shape (1|B, 1|${imgSize[0]}, ${imgSize.length === 4 ? "d, " : ""}h, w), none of them 0`,
    filter instanceof Tensor ? formatShape(filter.shape) : String(filter),
  );
}

/** |h^|, (1|B, 1, 1|C, H, W), and h^ / |h^| of a filter h. */
function polarTransform(
  imgSize: readonly number[],
  filter: Tensor,
): [magnitude: Tensor, phase: ComplexFactor] {
  const centre = filter.shape.slice(2).map((size) => Math.floor(size / 2));
  using transform = filterTransform(filter, imgSize.slice(1), centre);
  using squares = transform.square();
  using power = squares.sum(COMPLEX_DIM, { keepDims: true });
  const magnitude = power.sqrt();
  using quotient = transform.div(magnitude);
  using phase = magnitude.where(quotient, 0);
  return [magnitude, factorOf(phase)];
}
