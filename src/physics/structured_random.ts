import { ComplexFactor } from "../tensor/complex_factor.ts";
import { fft, ifft } from "../tensor/fft.ts";
import { generatorFor } from "../tensor/random.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";
import { complexExtents, requireComplex } from "./complex_size.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { PhysicsOptions } from "./physics.ts";

/** Options of {@link StructuredRandom}. */
export interface StructuredRandomOptions extends PhysicsOptions, TensorOptions {
  /** Size of the complex images: (2, H, W), channels real and imaginary; (1, H, W) and (H, W) say the same. */
  imgSize: readonly number[];
  /** Size of the measurements, both extents at least or both at most the image's; default `imgSize`. */
  outputSize?: readonly number[];
  /** Number of layers, a multiple of 1/2: a half is one more transform before the layers; default 1. */
  nLayers?: number;
  /** The diagonals: random phases, uniform on the circle (default), or random signs. */
  diagonalMode?: "uniform_phase" | "rademacher";
  /** Whether all layers have the same diagonal; default false. */
  sharedWeights?: boolean;
  /** Of the diagonals; default 0. */
  seed?: number;
}

const DIMS = [-2, -1];

/**
 * A fast random operator: B x = crop F D_n ... F D_1 [F] pad x, F the unitary 2-D Fourier transform and D_i random
 * diagonals of modulus 1. A larger output pads the image with zeros, ceil(difference / 2) before it; a smaller one
 * crops the result likewise. Complex images (B, 2, H, W) to complex measurements (B, 2, H', W').
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, StructuredRandom, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const B = new StructuredRandom({ imgSize: [2, 8, 8], outputSize: [2, 16, 16], nLayers: 2, seed: 1 });
 * const x = Tensor.randn([1, 2, 8, 8], { seed: 2 });
 * const y = await B.A(x);
 * assert.deepEqual(y.shape, [1, 2, 16, 16]);
 * assert.ok(await (await B.A_adjoint(y)).sub(x).abs().max().item() < 1e-5); // B^H B = I for a larger output
 * ```
 */
export class StructuredRandom extends LinearPhysics<Tensor> {
  /** (2, H, W) of the images. */
  readonly imgSize: readonly [number, number, number];
  /** (2, H', W') of the measurements. */
  readonly outputSize: readonly [number, number, number];
  /** Number of layers. */
  readonly nLayers: number;
  readonly #diagonals: readonly ComplexFactor[];

  /**
   * Draws the diagonals: the same for a seed on every device and rank.
   *
   * @throws {InvalidArgumentError} for sizes that are not of complex images, an output larger along one axis and smaller
   * along the other, and layers that are not a positive multiple of 1/2
   */
  constructor(options: StructuredRandomOptions) {
    super(options);
    const { imgSize, outputSize = imgSize, nLayers = 1, sharedWeights = false, seed = 0, device } = options;
    const action = "build StructuredRandom";
    const image = complexExtents(action, "imgSize", imgSize);
    const output = complexExtents(action, "outputSize", outputSize);
    if ((output[0] - image[0]) * (output[1] - image[1]) < 0) {
      throw new InvalidArgumentError(
        action,
        "outputSize",
        `at least, or at most, ${image.join(" x ")} along both axes`,
        output.join(" x "),
      );
    }
    if (!Number.isInteger(2 * nLayers) || nLayers <= 0) {
      throw new InvalidArgumentError(action, "nLayers", "a positive multiple of 1/2", String(nLayers));
    }
    const mode = options.diagonalMode ?? "uniform_phase";
    if (mode !== "uniform_phase" && mode !== "rademacher") {
      throw new InvalidArgumentError(action, "diagonalMode", '"uniform_phase" or "rademacher"', String(mode));
    }
    this.imgSize = [2, ...image];
    this.outputSize = [2, ...output];
    this.nLayers = nLayers;
    const extents = [Math.max(image[0], output[0]), Math.max(image[1], output[1])];
    const random = generatorFor(seed), layers = Math.floor(nLayers);
    const drawn = Array.from(
      { length: sharedWeights ? Math.min(layers, 1) : layers },
      () => randomDiagonal(random, mode, extents, { device }),
    );
    this.#diagonals = Array.from({ length: layers }, (_, layer) => drawn[sharedWeights ? 0 : layer]);
  }

  /**
   * B x
   *
   * @param x (B, 2, H, W)
   * @returns (B, 2, H', W')
   * @throws {InvalidArgumentError} for another size
   */
  override async A(x: Tensor): Promise<Tensor> {
    requireComplex("apply StructuredRandom.A", x, this.imgSize.slice(1));
    let z = fitted(x, this.#largest);
    if (!Number.isInteger(this.nLayers)) z = replaced(z, (field) => fft(field, DIMS, { norm: "ortho" }));
    for (const diagonal of this.#diagonals) {
      z = replaced(z, (field) => diagonal.times(field));
      z = replaced(z, (field) => fft(field, DIMS, { norm: "ortho" }));
    }
    return await Promise.resolve(replaced(z, (field) => fitted(field, this.outputSize.slice(1))));
  }

  /**
   * B^H y
   *
   * @param y (B, 2, H', W')
   * @returns (B, 2, H, W)
   * @throws {InvalidArgumentError} for another size
   */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    requireComplex("apply StructuredRandom.A_adjoint", y, this.outputSize.slice(1));
    let z = fitted(y, this.#largest);
    for (const diagonal of this.#diagonals.toReversed()) {
      z = replaced(z, (field) => ifft(field, DIMS, { norm: "ortho" }));
      z = replaced(z, (field) => diagonal.conjugateTimes(field));
    }
    if (!Number.isInteger(this.nLayers)) z = replaced(z, (field) => ifft(field, DIMS, { norm: "ortho" }));
    return await Promise.resolve(replaced(z, (field) => fitted(field, this.imgSize.slice(1))));
  }

  get #largest(): readonly number[] {
    return [1, 2].map((d) => Math.max(this.imgSize[d], this.outputSize[d]));
  }
}

/** A diagonal of modulus 1, (1, 1, H, W). */
function randomDiagonal(
  random: Philox,
  mode: "uniform_phase" | "rademacher",
  extents: readonly number[],
  options: TensorOptions,
): ComplexFactor {
  const draws = Float64Array.from({ length: extents[0] * extents[1] }, () => random.uniform());
  const tensor = (f: (u: number) => number) =>
    Tensor.from(Float32Array.from(draws, f), [1, 1, ...extents], options);
  if (mode === "rademacher") {
    using signs = tensor((u) => u > 0.5 ? -1 : 1);
    return new ComplexFactor(signs);
  }
  using cosines = tensor((u) => Math.cos(2 * Math.PI * u));
  using sines = tensor((u) => Math.sin(2 * Math.PI * u));
  return new ComplexFactor(cosines, sines);
}

/** Rows and columns padded with zeros or cropped to a size, the odd one before; a tensor of its own. */
function fitted(x: Tensor, extents: readonly number[]): Tensor {
  const amounts = extents.map((extent, d) => extent - x.shape[d + 2]);
  if (amounts.every((amount) => amount === 0)) return x.clone();
  const before = amounts.map((amount) => Math.ceil(Math.abs(amount) / 2));
  if (Math.max(...amounts) > 0) {
    return x.pad(amounts.map((amount, d) => [before[d], amount - before[d]] as const));
  }
  return x.slice([null, null, ...extents.map((extent, d) => [before[d], before[d] + extent] as const)]);
}

/** f(x) in the place of x. */
function replaced(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  using own = x;
  return f(own);
}
