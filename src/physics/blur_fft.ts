import { imaginaryPart, realPart, toComplex } from "../tensor/complex.ts";
import { fft, ifft } from "../tensor/fft.ts";
import { gatherTable, transposeTable } from "../tensor/ops/axis.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { DecomposablePhysics } from "./decomposable_physics.ts";
import type { PhysicsOptions } from "./physics.ts";

/** Options of {@link BlurFFT}. */
export interface BlurFFTOptions extends PhysicsOptions {
  /** (C, H, W) of the images. */
  imgSize: readonly number[];
  /** The point spread function (1|B, 1|C, h, w); its centre is floor(size / 2). */
  filter: Tensor;
}

/** Real and imaginary part are the extents of this dimension of a spectrum (B, 2, C, H, W). */
const COMPLEX_DIM = 1;
const IMAGE_DIMS = [-2, -1];

/**
 * A circular blur computed by Fourier transforms, for filters of any size: with h^ the filter's transform,
 * U = F^-1 exp(i arg h^), s = |h^|, V^T = F (unitary). Equal to `Blur` with `"circular"`; proximal operator and
 * pseudo-inverse are exact.
 */
export class BlurFFT extends DecomposablePhysics {
  /** (C, H, W) of the images. */
  readonly imgSize: readonly number[];
  /** |h^|, (1|B, 1, 1|C, H, W) */
  readonly #magnitude: Tensor;
  /** h^ / |h^|, (1|B, 2, 1|C, H, W); 0 where h^ is. */
  readonly #phase: Tensor;

  /**
   * Builds the operator; the filter may be disposed afterwards.
   *
   * @throws {InvalidArgumentError} when imgSize is not (C, H, W), or the filter not (1|B, 1|C, h, w)
   */
  constructor(options: BlurFFTOptions) {
    super(options);
    const { imgSize, filter } = options;
    if (imgSize.length !== 3) {
      throw new InvalidArgumentError("build BlurFFT", "imgSize", "(C, H, W)", formatShape(imgSize));
    }
    const fits = filter.shape.length === 4 && filter.numel > 0 &&
      (filter.shape[1] === 1 || filter.shape[1] === imgSize[0]);
    if (!fits) {
      throw new InvalidArgumentError(
        "build BlurFFT",
        "filter",
        `of shape (1|B, 1|${imgSize[0]}, h, w), none of them 0`,
        formatShape(filter.shape),
      );
    }
    this.imgSize = imgSize;
    using periodic = filter.applyTables(
      [2, 3].map((dim) => ({ dim, table: periodicTable(filter.shape[dim], imgSize[dim - 1]) })),
    );
    using complex = toComplex(periodic);
    using transform = fft(complex, IMAGE_DIMS);
    using squares = transform.square();
    using power = squares.sum(COMPLEX_DIM, { keepDims: true });
    this.#magnitude = power.sqrt();
    using quotient = transform.div(this.#magnitude);
    this.#phase = this.#magnitude.where(quotient, 0);
  }

  /** |h^|, of shape (1|B, 1, 1|C, H, W). */
  protected override singularValues(): Tensor {
    return this.#magnitude;
  }

  /** F x, of shape (B, 2, C, H, W). */
  protected override async V_adjoint(x: Tensor): Promise<Tensor> {
    if (formatShape(x.shape.slice(1)) !== formatShape(this.imgSize)) {
      throw new InvalidArgumentError(
        "apply BlurFFT",
        "the image",
        `of shape (B, ${this.imgSize.join(", ")})`,
        formatShape(x.shape),
      );
    }
    using complex = toComplex(x);
    return await Promise.resolve(fft(complex, IMAGE_DIMS, { norm: "ortho" }));
  }

  /** The real part of F^-1 u. */
  protected override async V(u: Tensor): Promise<Tensor> {
    using complex = ifft(u, IMAGE_DIMS, { norm: "ortho" });
    return await Promise.resolve(realPart(complex));
  }

  /** exp(-i arg h^) F y */
  protected override async U_adjoint(y: Tensor): Promise<Tensor> {
    using spectrum = await this.V_adjoint(y);
    return multiplyComplex(spectrum, this.#phase, -1);
  }

  /** F^-1 exp(i arg h^) v */
  protected override async U(v: Tensor): Promise<Tensor> {
    using turned = multiplyComplex(v, this.#phase, 1);
    return await this.V(turned);
  }
}

/** Adds samples k of an axis of `taps` at (k - floor(taps / 2)) mod length. */
function periodicTable(taps: number, length: number): ReturnType<typeof gatherTable> {
  const centre = Math.floor(taps / 2);
  const rows = Array.from({ length: taps }, (_, k) => (((k - centre) % length) + length) % length);
  return transposeTable(gatherTable(length, rows));
}

/** a b, or a conj(b) for sign -1, of complex values (., 2, ...). */
function multiplyComplex(a: Tensor, b: Tensor, sign: 1 | -1): Tensor {
  using ar = realPart(a);
  using ai = imaginaryPart(a);
  using br = realPart(b);
  using bi = imaginaryPart(b);
  using rr = ar.mul(br);
  using ii = ai.mul(bi);
  using ri = ar.mul(bi);
  using ir = ai.mul(br);
  using real = rr.addScaled(ii, -sign);
  using imaginary = ir.addScaled(ri, sign);
  return toComplex(real, imaginary);
}
