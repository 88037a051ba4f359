import { perItem } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import { type ProximalPoint, proximalPoint, proximalWeight } from "./proximal_inputs.ts";

/** Singular values below this count as zero in the pseudo-inverse, as in deepinv. */
const SMALLEST_SINGULAR_VALUE = 1e-5;

/**
 * A linear operator with a known singular value decomposition A = U diag(s) V^T, U and V with orthonormal columns: its
 * proximal operator and pseudo-inverse are exact and need no iterations. A subclass gives the singular values and those of
 * the four factors that are not the identity.
 *
 * @example Uneven illumination: exact inverse from the singular values
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   DecomposablePhysics,
 *   openDevice,
 *   type PhysicsOptions,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * interface IlluminationOptions extends PhysicsOptions {
 *   // Light of every pixel, (1, 1, H, W), >= 0.
 *   light: Tensor;
 * }
 *
 * class Illumination extends DecomposablePhysics {
 *   constructor(readonly options: IlluminationOptions) {
 *     super(options);
 *   }
 *   protected override singularValues(): Tensor {
 *     return this.options.light;
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const light = Tensor.from([[0.5, 2], [4, 0]]).reshape([1, 1, 2, 2]);
 * const physics = new Illumination({ light });
 * const y = await physics.A(Tensor.ones([1, 1, 2, 2]));
 * assert.deepEqual(await y.data(), await light.data());
 * assert.deepEqual(await (await physics.A_dagger(y)).data(), Float32Array.of(1, 1, 1, 0));
 * ```
 */
export abstract class DecomposablePhysics extends LinearPhysics<Tensor> {
  /** The singular values s >= 0, of a shape that broadcasts against the spectrum V^T x. The caller does not dispose them. */
  protected abstract singularValues(spectrum: Tensor): Tensor;

  /**
   * Whether V is square, so that V V^T = I. Where it is not, the proximal operator leaves alone the part of an image that
   * no measurement sees.
   */
  protected readonly hasSquareV: boolean = true;

  /** V^T x, a new tensor; x itself by default. */
  protected V_adjoint(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x.clone());
  }

  /** V u, a new tensor; u itself by default. */
  protected V(u: Tensor): Promise<Tensor> {
    return Promise.resolve(u.clone());
  }

  /** U^T y, a new tensor; y itself by default. */
  protected U_adjoint(y: Tensor): Promise<Tensor> {
    return Promise.resolve(y.clone());
  }

  /** U v, a new tensor; v itself by default. */
  protected U(v: Tensor): Promise<Tensor> {
    return Promise.resolve(v.clone());
  }

  /** U diag(s) V^T x */
  override async A(x: Tensor): Promise<Tensor> {
    using spectrum = await this.V_adjoint(x);
    const values = this.#valuesFor("A", spectrum, x);
    using weighted = spectrum.mul(values);
    return await this.U(weighted);
  }

  /** V diag(s) U^T y */
  override async A_adjoint(y: Tensor): Promise<Tensor> {
    using spectrum = await this.U_adjoint(y);
    const values = this.#valuesFor("A_adjoint", spectrum, y);
    using weighted = spectrum.mul(values);
    return await this.V(weighted);
  }

  /** V diag(s^2) V^T x */
  override async A_adjoint_A(x: Tensor): Promise<Tensor> {
    using spectrum = await this.V_adjoint(x);
    using squares = this.#valuesFor("A_adjoint_A", spectrum, x).square();
    using weighted = spectrum.mul(squares);
    return await this.V(weighted);
  }

  /** U diag(s^2) U^T y */
  override async A_A_adjoint(y: Tensor): Promise<Tensor> {
    using spectrum = await this.U_adjoint(y);
    using squares = this.#valuesFor("A_A_adjoint", spectrum, y).square();
    using weighted = spectrum.mul(squares);
    return await this.U(weighted);
  }

  /**
   * The exact solution of (A^T A + I / gamma) x = A^T y + z / gamma =: r, which is V (V^T r / (s^2 + 1 / gamma)) plus, where
   * V is not square, gamma (r - V V^T r).
   */
  override async prox_l2(z: ProximalPoint, y: Tensor, gamma: number | Tensor): Promise<Tensor> {
    using backprojection = await this.A_adjoint(y);
    using start = proximalPoint(z, backprojection.shape, backprojection);
    using shaped = proximalWeight(gamma, backprojection);
    using pull = start.div(shaped);
    using right = backprojection.add(pull);
    using spectrum = await this.V_adjoint(right);
    using ones = Tensor.ones([1], spectrum);
    using spectral = perItem(shaped, spectrum);
    using damping = ones.div(spectral);
    using squares = this.singularValues(spectrum).square();
    using denominator = squares.add(damping);
    using solved = spectrum.div(denominator);
    const seen = await this.V(solved);
    if (this.hasSquareV) return seen;
    using own = seen;
    using projection = await this.V(spectrum);
    using unseen = right.sub(projection);
    using scaled = unseen.mul(shaped);
    return own.add(scaled);
  }

  /** The exact pseudo-inverse V diag(1 / s where s > 1e-5, else 0) U^T y. */
  override async A_dagger(y: Tensor): Promise<Tensor> {
    using spectrum = await this.U_adjoint(y);
    const values = this.#valuesFor("A_dagger", spectrum, y);
    using large = values.greater(SMALLEST_SINGULAR_VALUE);
    using quotient = spectrum.div(values);
    using kept = large.where(quotient, 0);
    return await this.V(kept);
  }

  /**
   * The singular values for a signal's spectrum.
   *
   * @throws {InvalidArgumentError} when they are those of another number of items, or otherwise of another shape
   */
  #valuesFor(method: string, spectrum: Tensor, signal: Tensor): Tensor {
    const values = this.singularValues(spectrum);
    const missing = spectrum.shape.length - values.shape.length;
    const fits = missing >= 0 && spectrum.shape[0] === signal.shape[0] &&
      values.shape.every((extent, d) => extent === 1 || extent === spectrum.shape[d + missing]);
    if (fits) return values;
    throw new InvalidArgumentError(
      `apply ${this.constructor.name}.${method}`,
      "its argument",
      `of a shape that fits the operator's parameters, ${formatShape(values.shape)} as singular values`,
      formatShape(signal.shape),
    );
  }
}
