import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import { Physics, type PhysicsOptions } from "./physics.ts";
import { spectralMethod, type SpectralOptions } from "./phase_retrieval_spectral.ts";

/** Options of {@link PhaseRetrieval}. */
export interface PhaseRetrievalOptions extends PhysicsOptions {
  /** The linear operator B between complex signals (B, 2, ...), whose `A_adjoint` is B^H: channels real, imaginary. */
  B: LinearPhysics<Tensor>;
}

/**
 * Intensities of a complex linear operator: y = |B x|^2. Images are complex, (B, 2, H, W): channel 0 real, channel 1
 * imaginary; measurements are real: (B, 2, H, W) of B gives (B, 1, H, W), and (B, 2, ...) of B otherwise (B, ...).
 *
 * `A_dagger` is the spectral method, which finds x up to a global phase.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { MRI, openDevice, PhaseRetrieval, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new PhaseRetrieval({ B: new MRI({ mask: Tensor.ones([8, 8]) }) }); // |F x|^2
 * const x = Tensor.randn([1, 2, 8, 8], { seed: 1 }); // real and imaginary part
 * const y = await physics.A(x);
 * assert.deepEqual(y.shape, [1, 1, 8, 8]);
 * const [energy, measured] = [await x.dot(x).item(), await y.sum().item()];
 * assert.ok(Math.abs(energy - measured) < 1e-4 * energy); // F is unitary
 * const gradient = await physics.A_vjp(x, Tensor.ones(y.shape)); // 2 F^H F x
 * assert.ok(await gradient.sub(x.mul(2)).abs().max().item() < 1e-5);
 * ```
 */
export class PhaseRetrieval extends Physics<Tensor> {
  /** The linear operator. */
  readonly B: LinearPhysics<Tensor>;

  /**
   * Builds the operator.
   *
   * @throws {InvalidArgumentError} when B is not a linear operator
   */
  constructor(options: PhaseRetrievalOptions) {
    super(options);
    if (!(options.B instanceof LinearPhysics)) {
      throw new InvalidArgumentError("build PhaseRetrieval", "B", "a LinearPhysics", String(options.B));
    }
    this.B = options.B;
  }

  /**
   * |B x|^2
   *
   * @param x (B, 2, H, W)
   */
  override async A(x: Tensor): Promise<Tensor> {
    using field = await this.#fieldOf("A", x);
    using squares = field.square();
    return squares.sum(1, { keepDims: this.keepsChannel(field.shape.length) });
  }

  /**
   * J^T v = 2 B^H (B x . v)
   *
   * @param x (B, 2, H, W)
   * @param v as the measurements
   * @returns (B, 2, H, W)
   * @throws {InvalidArgumentError} when v is not of the measurements' shape
   */
  override async A_vjp(x: Tensor, v: Tensor): Promise<Tensor> {
    using field = await this.#fieldOf("A_vjp", x);
    using weights = this.#broadcastable(v);
    if (formatShape([field.shape[0], 1, ...field.shape.slice(2)]) !== formatShape(weights.shape)) {
      const [batch, , ...rest] = field.shape;
      const shape = this.keepsChannel(field.shape.length) ? [batch, 1, ...rest] : [batch, ...rest];
      throw new InvalidArgumentError(
        "apply PhaseRetrieval.A_vjp",
        "v",
        `of shape ${formatShape(shape)}`,
        formatShape(v.shape),
      );
    }
    using weighted = field.mul(weights);
    using gradient = await this.B.A_adjoint(weighted);
    return gradient.mul(2);
  }

  /**
   * B^H y
   *
   * @param y real measurements
   * @returns (B, 2, H, W)
   */
  async A_adjoint(y: Tensor): Promise<Tensor> {
    using real = this.#broadcastable(y);
    using imaginary = Tensor.zeros(real.shape, real);
    using field = Tensor.cat([real, imaginary], 1);
    return await this.B.A_adjoint(field);
  }

  /** B^H z of complex measurements z (B, 2, ...). */
  B_adjoint(z: Tensor): Promise<Tensor> {
    return this.B.A_adjoint(z);
  }

  /** The pseudo-inverse of B applied to complex measurements z (B, 2, ...). */
  B_dagger(z: Tensor): Promise<Tensor> {
    return this.B.A_dagger(z);
  }

  /**
   * The spectral method: see {@link spectralMethod}. The result is x up to a global phase of each item.
   *
   * @param y measurements, >= 0
   * @returns (B, 2, H, W)
   */
  override async A_dagger(y: Tensor, options: SpectralOptions = {}): Promise<Tensor> {
    using start = options.init?.clone() ?? await this.#randomImage(y, options.seed);
    using weights = this.#broadcastable(y);
    return await spectralMethod(this.B, weights, start, options);
  }

  /** Whether the measurements of a complex signal with that many dimensions keep their channel, with extent 1. */
  protected keepsChannel(dimensions: number): boolean {
    return dimensions === 4;
  }

  /** B x */
  async #fieldOf(method: string, x: Tensor): Promise<Tensor> {
    if (x.shape.length >= 3 && x.shape[1] === 2) return await this.B.A(x);
    throw new InvalidArgumentError(
      `apply PhaseRetrieval.${method}`,
      "x",
      "complex, of shape (B, 2, H, W)",
      formatShape(x.shape),
    );
  }

  /** Measurements with a complex dimension of extent 1. */
  #broadcastable(y: Tensor): Tensor {
    const [batch, ...rest] = y.shape;
    const kept = this.keepsChannel(y.shape.length) && rest[0] === 1;
    return y.reshape(kept ? y.shape : [batch, 1, ...rest]);
  }

  /** Standard normal values of the images' shape. */
  async #randomImage(y: Tensor, seed = 0): Promise<Tensor> {
    using like = await this.A_adjoint(y);
    return Tensor.randn(like.shape, { seed, device: like.device });
  }
}
