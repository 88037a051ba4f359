import type { Tensor } from "../tensor/tensor.ts";
import { Downsampling, type DownsamplingOptions } from "./downsampling.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { LeastSquaresOptions } from "./physics.ts";
import { type ProximalPoint, proximalPoint, proximalWeight } from "./proximal_inputs.ts";
import type { Setters } from "./updatable.ts";

/**
 * The adjoint of `Downsampling`: zeros between samples, then the filter's adjoint; from (B, C, ceil(H / f), ceil(W / f)) to
 * images (B, C, H, W) of `imgSize`. With D the downsampling, A = D^T and A^T = D.
 *
 * Its proximal operator is exact where Downsampling's is: (D D^T + I / gamma)^-1 (D y + z / gamma) by Fourier transforms.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Downsampling, openDevice, setDefaultDevice, Tensor, Upsampling } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const options = { imgSize: [1, 16, 16], filter: "bilinear", factor: 2 } as const; // the larger images
 * const up = new Upsampling(options);
 * const small = Tensor.randn([1, 1, 8, 8], { seed: 1 });
 * const large = await up.A(small);
 * assert.deepEqual(large.shape, [1, 1, 16, 16]);
 * const back = await new Downsampling(options).A(large); // A^T of the one is A of the other
 * assert.ok(await back.sub(await up.A_adjoint_A(small)).abs().max().item() < 1e-6);
 * ```
 */
export class Upsampling extends LinearPhysics<Tensor> {
  readonly #down: Downsampling;

  /**
   * Builds the operator from the options of `Downsampling`; `imgSize` is the size of the larger images, those it makes.
   *
   * @throws {InvalidArgumentError} as `Downsampling`
   */
  constructor(options: DownsamplingOptions) {
    super(options);
    this.#down = new Downsampling({ ...options, noiseModel: undefined, sensor: undefined });
  }

  /** Every how many samples one is not zero before filtering. */
  get factor(): number {
    return this.#down.factor;
  }

  /** (C, H, W) of the images it makes. */
  get imgSize(): readonly number[] {
    return this.#down.imgSize;
  }

  /** The filter (1|B, 1|C, h, w), `null` for none. */
  get filter(): Tensor | null {
    return this.#down.filter;
  }

  /** `filter`: a tensor, a name, or `null`. */
  protected override setters(): Setters {
    return { filter: (filter) => this.#down.update({ filter }) };
  }

  /**
   * D^T x
   *
   * @param x (B, C, ceil(H / f), ceil(W / f))
   * @returns (B, C, H, W)
   * @throws {InvalidArgumentError} for another size
   */
  override A(x: Tensor): Promise<Tensor> {
    return this.#down.A_adjoint(x);
  }

  /**
   * D y
   *
   * @param y (B, C, H, W)
   * @returns (B, C, ceil(H / f), ceil(W / f))
   * @throws {InvalidArgumentError} for another size
   */
  override A_adjoint(y: Tensor): Promise<Tensor> {
    return this.#down.A(y);
  }

  /**
   * The proximal operator of gamma/2 ||A x - y||^2 at z: exact where Downsampling's is, else iterative.
   *
   * @throws {InvalidArgumentError} when gamma is not positive, or z not of the small images' shape
   */
  override async prox_l2(
    z: ProximalPoint,
    y: Tensor,
    gamma: number | Tensor,
    options: LeastSquaresOptions = {},
  ): Promise<Tensor> {
    if (!this.#down.hasExactInverse) return await super.prox_l2(z, y, gamma, options);
    using small = await this.A_adjoint(y);
    using start = proximalPoint(z, small.shape, small);
    using shaped = proximalWeight(gamma, small);
    using pull = start.div(shaped);
    using right = small.add(pull);
    return await this.#down.solveNormal(right, shaped);
  }
}
