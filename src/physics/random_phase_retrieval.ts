import { generatorFor } from "../tensor/random.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { complexExtents, requireComplex } from "./complex_size.ts";
import { LinearPhysics } from "./linear_physics.ts";
import { PhaseRetrieval } from "./phase_retrieval.ts";
import type { PhysicsOptions } from "./physics.ts";

/** Options of {@link RandomPhaseRetrieval}. */
export interface RandomPhaseRetrievalOptions extends PhysicsOptions, TensorOptions {
  /** Number of measurements. */
  m: number;
  /** Size of the complex images: (2, H, W), channels real and imaginary; (1, H, W) and (H, W) say the same. */
  imgSize: readonly number[];
  /** Of the matrix; default 0. */
  seed?: number;
}

/**
 * Intensities of random projections: y = |B x|^2 with a dense m x n matrix of independent entries
 * N(0, 1/(2 m)) + i N(0, 1/(2 m)), so that E ||B x||^2 = ||x||^2. Images (B, 2, H, W), measurements (B, m).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, RandomPhaseRetrieval, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new RandomPhaseRetrieval({ m: 200, imgSize: [2, 4, 4], seed: 1 });
 * const x = Tensor.randn([1, 2, 4, 4], { seed: 2 });
 * const y = await physics.A(x); // intensities, (1, 200)
 * assert.deepEqual(await y.data(), await (await physics.A(x.neg())).data()); // they do not know the phase
 *
 * const found = await physics.A_dagger(y, { maxIter: 50 }); // the spectral method: x up to a phase
 * const turned = Tensor.cat([found.slice([null, [1, 2]]).neg(), found.slice([null, [0, 1]])], 1); // i found
 * const overlap = Math.hypot(await found.dot(x).item(), await turned.dot(x).item());
 * assert.ok(overlap > 0.9 * await found.norm().item() * await x.norm().item());
 * ```
 */
export class RandomPhaseRetrieval extends PhaseRetrieval {
  /** Number of measurements. */
  readonly m: number;

  /**
   * Draws the matrix: the same for a seed on every device and rank.
   *
   * @throws {InvalidArgumentError} when m is not a whole number >= 1, or for sizes that are not of complex images
   */
  constructor(options: RandomPhaseRetrievalOptions) {
    const { m, imgSize, seed = 0, device } = options;
    const action = "build RandomPhaseRetrieval";
    if (!Number.isInteger(m) || m < 1) {
      throw new InvalidArgumentError(action, "m", "a whole number >= 1", String(m));
    }
    const extents = complexExtents(action, "imgSize", imgSize);
    super({ ...options, B: new ComplexGaussian(m, extents, seed, { device }) });
    this.m = m;
  }
}

/** z = B x, complex images (B, 2, H, W) to complex vectors (B, 2, m). */
class ComplexGaussian extends LinearPhysics<Tensor> {
  readonly #m: number;
  readonly #extents: readonly [number, number];
  /** Real and imaginary parts of the matrix, (m, n) each. */
  readonly #real: Tensor;
  readonly #imaginary: Tensor;

  constructor(m: number, extents: readonly [number, number], seed: number, options: TensorOptions) {
    super();
    this.#m = m;
    this.#extents = extents;
    const shape = [m, extents[0] * extents[1]];
    const random = generatorFor(seed), deviation = Math.SQRT1_2 / Math.sqrt(m);
    const draw = () =>
      Tensor.from(
        Float32Array.from({ length: shape[0] * shape[1] }, () => deviation * random.normal()),
        shape,
        options,
      );
    this.#real = draw();
    this.#imaginary = draw();
  }

  /** Itself: nothing can change it. */
  override clone(): this {
    return this;
  }

  /** Re z = R xr - I xi, Im z = I xr + R xi */
  override A(x: Tensor): Promise<Tensor> {
    return checked(() => {
      requireComplex("apply RandomPhaseRetrieval.B", x, this.#extents);
      using rows = x.reshape([2 * x.shape[0], this.#real.shape[1]]);
      using columns = rows.permute([1, 0]);
      using viaReal = this.#real.matmul(columns);
      using viaImaginary = this.#imaginary.matmul(columns);
      using a = viaReal.permute([1, 0]);
      using b = viaImaginary.permute([1, 0]);
      return combined(a, b, 1, [x.shape[0], 2, this.#m]);
    });
  }

  /** With B^H = R^T - i I^T: Re x = R^T zr + I^T zi, Im x = R^T zi - I^T zr */
  override A_adjoint(z: Tensor): Promise<Tensor> {
    return checked(() => {
      requireComplex("apply RandomPhaseRetrieval.B_adjoint", z, [this.#m]);
      using rows = z.reshape([2 * z.shape[0], this.#m]);
      using a = rows.matmul(this.#real);
      using b = rows.matmul(this.#imaginary);
      return combined(a, b, -1, [z.shape[0], 2, ...this.#extents]);
    });
  }
}

/** a + sign i b for complex rows (real, imaginary, real, ...), as another shape (B, 2, ...). */
function combined(a: Tensor, b: Tensor, sign: 1 | -1, shape: readonly number[]): Tensor {
  using pairs = b.reshape([shape[0], 2, -1]);
  using exchanged = pairs.flip(1);
  using signs = Tensor.from([-sign, sign], [1, 2, 1], b);
  using turned = exchanged.mul(signs);
  using direct = a.reshape([shape[0], 2, -1]);
  using sum = direct.add(turned);
  return sum.reshape(shape);
}

/** What f gives, or the error that it throws, as a promise. */
function checked(f: () => Tensor): Promise<Tensor> {
  return new Promise((resolve) => resolve(f()));
}
