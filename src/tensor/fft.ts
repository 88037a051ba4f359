import { InvalidArgumentError } from "../util/errors.ts";
import { fourier, fourierDims } from "./ops/fft.ts";
import { Tensor } from "./tensor.ts";

/**
 * Who carries the factor 1/n, n the number of values transformed: `backward` the inverse transform, `forward` the
 * forward one, `ortho` both in equal parts, which makes them unitary.
 */
export type FftNorm = "backward" | "forward" | "ortho";

/** Options of {@link fft}. */
export interface FftOptions {
  /** The sign of the exponent; default false: minus. */
  inverse?: boolean;
  /** Default `backward`. */
  norm?: FftNorm;
}

/**
 * The discrete Fourier transform of complex values along one or more dimensions:
 *
 *     X[k] = s sum_n x[n] exp(-2 pi i sum_d n_d k_d / N_d),  s by `norm`.
 *
 * Lengths may be anything; those with prime factors up to 13 are fastest.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { fft, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.from([1, 2, 3, 4, 0, 0, 0, 0], [1, 2, 4]); // 4 complex values: real parts, then imaginary parts
 * using spectrum = fft(x, [-1]);
 * const expected = [10, -2, -2, -2, 0, 2, 0, -2]; // real parts, then imaginary parts
 * assert((await spectrum.data()).every((value, i) => Math.abs(value - expected[i]) < 1e-5));
 * ```
 *
 * @param x (B, 2, ...): real parts, then imaginary parts
 * @param dims dimensions behind the second, e.g. [-2, -1]
 * @returns a new tensor of the same shape
 * @throws {InvalidArgumentError} when x is not complex, or for unknown dimensions or norms
 */
export function fft(x: Tensor, dims: readonly number[], options: FftOptions = {}): Tensor {
  const { inverse = false, norm = "backward" } = options;
  return transform("fft", x, dims, inverse, norm, false);
}

/**
 * The inverse of {@link fft} with the same norm: the plus sign in the exponent, and the factor 1/n for `backward`.
 *
 * @param x (B, 2, ...)
 * @param dims dimensions behind the second
 * @throws {InvalidArgumentError} as {@link fft}
 *
 * @example There and back
 * ```ts
 * import assert from "node:assert/strict";
 * import { fft, ifft, openDevice, realPart, setDefaultDevice, Tensor, toComplex } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = toComplex(Tensor.from([[1, 2, 3, 4, 5]]));
 * using spectrum = fft(x, [-1], { norm: "ortho" });
 * using back = ifft(spectrum, [-1], { norm: "ortho" }); // the same norm both ways
 * assert((await realPart(back).data()).every((value, i) => Math.abs(value - (i + 1)) < 1e-5));
 * assert(Math.abs(await spectrum.norm().item() - await x.norm().item()) < 1e-5); // "ortho" is unitary
 * ```
 */
export function ifft(x: Tensor, dims: readonly number[], options: Pick<FftOptions, "norm"> = {}): Tensor {
  return transform("ifft", x, dims, true, options.norm ?? "backward", false);
}

/**
 * The centred unitary transform: fftshift(fft(ifftshift(x), ortho)), with index 0 of signal and spectrum in the middle,
 * at floor(n / 2). An image becomes k-space.
 *
 * @param x (B, 2, ...)
 * @param dims dimensions behind the second; default the last two
 * @throws {InvalidArgumentError} as {@link fft}
 *
 * @example k-space of an image, its zero frequency in the middle
 * ```ts
 * import assert from "node:assert/strict";
 * import { fftCentred, openDevice, setDefaultDevice, Tensor, toComplex } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using kspace = fftCentred(toComplex(Tensor.ones([1, 4, 4])));
 * assert.deepEqual(kspace.shape, [1, 2, 4, 4]);
 * using centre = kspace.slice([null, [0, 1], [2, 3], [2, 3]]); // real part of row 2, column 2
 * assert(Math.abs(await centre.item() - 4) < 1e-5); // 16 / sqrt(16), and nothing elsewhere
 * assert(Math.abs(await kspace.norm().item() - 4) < 1e-5);
 * ```
 */
export function fftCentred(x: Tensor, dims: readonly number[] = [-2, -1]): Tensor {
  return transform("fftCentred", x, dims, false, "ortho", true);
}

/**
 * The inverse, and adjoint, of {@link fftCentred}: fftshift(ifft(ifftshift(x), ortho)).
 *
 * @param x (B, 2, ...)
 * @param dims dimensions behind the second; default the last two
 * @throws {InvalidArgumentError} as {@link fft}
 *
 * @example The image of fully sampled k-space
 * ```ts
 * import assert from "node:assert/strict";
 * import { fftCentred, ifftCentred, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using image = Tensor.randn([1, 2, 15, 16], { seed: 1 }); // real and imaginary parts; any sides
 * using kspace = fftCentred(image);
 * using back = ifftCentred(kspace);
 * assert(await back.sub(image).abs().max().item() < 1e-5);
 * ```
 */
export function ifftCentred(x: Tensor, dims: readonly number[] = [-2, -1]): Tensor {
  return transform("ifftCentred", x, dims, true, "ortho", true);
}

function transform(
  action: string,
  x: Tensor,
  dims: readonly number[],
  inverse: boolean,
  norm: FftNorm,
  centred: boolean,
): Tensor {
  const resolved = fourierDims(action, x.shape, dims);
  const count = resolved.reduce((product, dim) => product * x.shape[dim], 1);
  const scale = normFactor(action, norm, count, inverse);
  const output = Tensor.empty(x.shape, x);
  try {
    fourier(x.array, resolved, { inverse, scale, centred }, output.array);
    return output;
  } catch (error) {
    output.dispose();
    throw error;
  }
}

/** The factor of a transform of `count` values.
 *
 * @throws {InvalidArgumentError} for an unknown norm
 */
export function normFactor(action: string, norm: FftNorm, count: number, inverse: boolean): number {
  switch (norm) {
    case "ortho":
      return 1 / Math.sqrt(count);
    case "backward":
      return inverse ? 1 / count : 1;
    case "forward":
      return inverse ? 1 : 1 / count;
    default:
      norm satisfies never;
      throw new InvalidArgumentError(action, "norm", "backward, forward or ortho", String(norm));
  }
}
