import type { GriddingTable } from "../compute/kernel.ts";
import { fftCentred, ifftCentred } from "../tensor/fft.ts";
import { griddingTable, interpolate, spread } from "../tensor/ops/gridding.ts";
import { Tensor } from "../tensor/tensor.ts";
import { KaiserBessel } from "./kaiser_bessel.ts";

/** What a non-uniform Fourier transform is made of. */
export interface NufftOptions {
  /** [H, W] of the images. */
  readonly imgSize: readonly [number, number];
  /** K row frequencies, then K column frequencies, in radians per sample, in [-pi, pi]. */
  readonly samples: Float32Array;
  /** Grid points per image sample, >= 1. */
  readonly oversampling: number;
  /** Grid points per sample and axis J, >= 2. */
  readonly taps: number;
}

/**
 * The non-uniform discrete Fourier transform (type 2) of images and its adjoint, by Kaiser-Bessel gridding:
 *
 *     y[k] = 1 / sqrt(G_1 G_2) sum_n x[n] exp(-i w_k . n),  n_d = -floor(N_d / 2) ... ceil(N_d / 2) - 1,
 *
 * where G_d = s N_d is the oversampled grid (torchkbnufft's `norm="ortho"`). Steps: x is divided by the window's
 * Fourier transform, padded with zeros to the grid, transformed, and interpolated at k_d = w_d G_d / (2 pi) by the
 * window's J x J values. The adjoint takes the transposed steps in reverse order, with the same numbers.
 */
export class Nufft {
  readonly #table: GriddingTable;
  /** 1 / (phi^(n_1 / G_1) phi^(n_2 / G_2)) and the factors of the norm, (H, W). */
  readonly #deapodization: Tensor;
  /** Grid points before and after the image. */
  readonly #margins: readonly [before: number, after: number][];

  /** @param device where the images are: a tensor of theirs will do */
  constructor({ imgSize, samples, oversampling, taps }: NufftOptions, device: Pick<Tensor, "device">) {
    const window = new KaiserBessel(taps, oversampling);
    const nominal = imgSize.map((extent) => Math.round(extent * oversampling));
    const grid = nominal.map((points) => Math.max(points, taps));
    this.#table = tableOf(grid, samples, taps, window);
    this.#margins = imgSize.map((extent, d) => {
      const before = Math.floor(grid[d] / 2) - Math.floor(extent / 2);
      return [before, grid[d] - extent - before];
    });
    const along = imgSize.map((extent, d) => {
      const scale = Math.sqrt(grid[d] / nominal[d]);
      const centre = Math.floor(extent / 2);
      return Float64Array.from(
        { length: extent },
        (_, n) => scale / window.transform((n - centre) / grid[d]),
      );
    });
    const values = Float32Array.from(
      { length: imgSize[0] * imgSize[1] },
      (_, n) => along[0][Math.floor(n / imgSize[1])] * along[1][n % imgSize[1]],
    );
    this.#deapodization = Tensor.from(values, imgSize, device);
  }

  /**
   * The transform at the samples.
   *
   * @param x complex images (B, 2, H, W)
   * @returns (B, 2, K)
   */
  forward(x: Tensor): Tensor {
    using scaled = x.mul(this.#deapodization);
    using padded = scaled.pad(this.#margins);
    using spectrum = fftCentred(padded);
    return interpolate(spectrum, this.#table);
  }

  /**
   * The adjoint.
   *
   * @param y complex values at the samples (B, 2, K)
   * @returns (B, 2, H, W)
   */
  adjoint(y: Tensor): Tensor {
    using spectrum = spread(y, this.#table);
    using padded = ifftCentred(spectrum);
    const ranges = this.#margins.map(([before, after], d) => [before, padded.shape[d + 2] - after] as const);
    using image = padded.slice([null, null, ...ranges]);
    return image.mul(this.#deapodization);
  }

  /** Interpolates on the grid what real values at the samples (B, K) spread to it: no Fourier transform. */
  smooth(values: Tensor): Tensor {
    using grid = spread(values, this.#table);
    return interpolate(grid, this.#table);
  }
}

/** Where the samples lie on a centred grid, and the window's values around them. */
function tableOf(
  [height, width]: readonly number[],
  samples: Float32Array,
  taps: number,
  window: KaiserBessel,
): GriddingTable {
  const count = samples.length / 2;
  const weights = new Float32Array(2 * taps * count);
  const [rows, columns] = [height, width].map((points, axis) => {
    const origin = Math.floor(points / 2);
    return Int32Array.from(samples.subarray(axis * count, (axis + 1) * count), (frequency, s) => {
      const place = frequency * points / (2 * Math.PI);
      const first = Math.ceil(place - taps / 2);
      for (let i = 0; i < taps; i++) {
        weights[(2 * s + axis) * taps + i] = window.value(place - first - i);
      }
      return (((first + origin) % points) + points) % points;
    });
  });
  return griddingTable({ height, width, taps, rows, columns, weights });
}
