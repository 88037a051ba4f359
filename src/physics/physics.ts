import { countNonFinite, dotPerItem, mapEntries, owned, type Signal, subtract } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { checkLimits } from "./iteration_limits.ts";
import type { DrawOptions, NoiseModel } from "./noise_model.ts";
import type { SolverName } from "./solver_name.ts";
import { namesOf, requireKnown, Updatable, updateEach } from "./updatable.ts";

/** What a detector makes of noisy measurements, e.g. clamping or quantisation; gives a new tensor. */
export type Sensor = (y: Tensor) => Tensor | Promise<Tensor>;

/** What every operator's constructor accepts. */
export interface PhysicsOptions {
  /** The noise that `forward` adds, `null` for none; an operator that has a noise of its own by default says so. */
  noiseModel?: NoiseModel | null;
  /** What becomes of noisy measurements; nothing by default. */
  sensor?: Sensor;
}

/**
 * What `forward` takes beside the image: parameters of the operator or of its noise model by name, which stay as `update`
 * sets them, and `seed` (a whole number), which makes this one call's noise a function of the seed.
 */
export type ForwardParameters = object;

/**
 * A measurement operator y = sensor(noise(A(x))), from images x (B, C, H, W) to measurements y.
 *
 * A subclass gives `A` and `A_vjp`; a linear one extends `LinearPhysics` and gives `A` and `A_adjoint`. What they return
 * belongs to the caller: a tensor of its own, never the argument.
 *
 * @example An operator of one's own that is not linear
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, Physics, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * class Square extends Physics<Tensor> {
 *   override A(x: Tensor): Promise<Tensor> {
 *     return Promise.resolve(x.square());
 *   }
 *   override A_vjp(x: Tensor, v: Tensor): Promise<Tensor> {
 *     using weighted = x.mul(v);
 *     return Promise.resolve(weighted.mul(2));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Square({ sensor: (y) => y.clamp(0, 1) }); // saturates at 1
 * const x = Tensor.from([0.5, 1, 1.5]).reshape([1, 1, 1, 3]);
 * assert.deepEqual(await (await physics.forward(x)).data(), Float32Array.of(0.25, 1, 1));
 *
 * const y = await physics.A(x);
 * const found = await physics.A_dagger(y, { init: Tensor.ones(x.shape), tol: 1e-8 }); // gradient descent
 * assert.ok(await found.sub(x).abs().max().item() < 1e-2);
 * ```
 */
export abstract class Physics<Y extends Signal = Signal> extends Updatable {
  /** The noise that `forward` adds; `undefined` for none. */
  noiseModel: NoiseModel | undefined;
  /** What `forward` makes of noisy measurements; `undefined` for nothing. */
  sensor: Sensor | undefined;

  /**
   * Sets noise and sensor.
   *
   * @param options hand on all of the subclass's options, for `clone`
   */
  constructor(options?: PhysicsOptions) {
    super(options);
    this.noiseModel = options?.noiseModel ?? undefined;
    this.sensor = options?.sensor;
  }

  /** The noiseless measurements A(x). */
  abstract A(x: Tensor): Promise<Y>;

  /** J_A(x)^T v: the vector-Jacobian product of A at x. */
  abstract A_vjp(x: Tensor, v: Y): Promise<Tensor>;

  /**
   * An estimate of x from y: gradient descent on ||A(x) - y||^2 / 2 from `init`, with step 0.1, until
   * mean((A(x) - y)^2) < tol.
   *
   * @param options.init the start, left alone
   * @throws {InvalidArgumentError} without a start, and for limits out of range
   */
  async A_dagger(y: Y, { init, maxIter = 50, tol = 1e-4 }: LeastSquaresOptions = {}): Promise<Tensor> {
    if (!init) {
      throw new InvalidArgumentError("invert a non-linear operator", "options.init", "a start", "none");
    }
    checkLimits("invert a non-linear operator", { maxIter, tol });
    let x = init.clone();
    try {
      for (let k = 0; k < maxIter; k++) {
        using estimate = await this.A(x);
        using residual = subtract(estimate, y);
        using squares = dotPerItem(residual, residual);
        using total = squares.sum();
        if (await total.item() / residual.numel < tol) break;
        using gradient = await this.A_vjp(x, residual);
        const next = x.addScaled(gradient, -0.1);
        x.dispose();
        x = next;
      }
      return x;
    } catch (error) {
      x.dispose();
      throw error;
    }
  }

  /**
   * A measurement of x: sensor(noise(A(x))).
   *
   * @param parameters of the operator or the noise model, kept from now on; `seed` for this call's noise
   * @throws {InvalidArgumentError} when x has values that are NaN or infinite, and for unknown parameters
   */
  async forward(x: Tensor, parameters: ForwardParameters = {}): Promise<Y> {
    const { draw, rest } = splitSeed(parameters);
    this.update(rest);
    await assertFinite("measure an image", "x", x);
    const clean = await this.A(x);
    if (!this.noiseModel && !this.sensor) return clean;
    using _ = clean;
    return await mapEntries(clean, async (entry) => {
      const noisy = await this.addNoise(entry, draw);
      if (!this.sensor) return noisy;
      using own = noisy;
      return owned(await this.sensor(own), own);
    });
  }

  /** A noisy copy of clean measurements. */
  protected async addNoise(clean: Tensor, draw: DrawOptions): Promise<Tensor> {
    if (!this.noiseModel) return clean.clone();
    return owned(await this.noiseModel.forward(clean, draw), clean);
  }

  /** The names that `update` knows: the operator's and its noise model's. */
  override get parameterNames(): readonly string[] {
    const own = super.parameterNames;
    return this.noiseModel ? [...new Set([...own, ...namesOf([this.noiseModel])])] : own;
  }

  /** Replaces parameters of the operator and of its noise model; see {@link Updatable.update}. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    const known = super.parameterNames;
    const own = Object.entries(parameters).filter(([name]) => known.includes(name));
    if (own.length > 0) super.update(Object.fromEntries(own));
    if (this.noiseModel) updateEach([this.noiseModel], parameters);
  }

  /** Replaces the noise model; `null` for none. */
  setNoiseModel(noise: NoiseModel | null): void {
    this.noiseModel = noise ?? undefined;
  }

  /** A copy of its own, noise model and its random stream included; see {@link Updatable.clone}. */
  override clone(): this {
    return this.withSettings(super.clone());
  }

  /** A copy, with this operator's settings that are not parameters: for subclasses that override `clone`. */
  protected withSettings(copy: this): this {
    copy.noiseModel = this.noiseModel?.clone();
    copy.sensor = this.sensor;
    return copy;
  }
}

/** Options of iterative least-squares solutions. */
export interface LeastSquaresOptions {
  /** How linear systems are solved; by default as `setLsSolver` says, else `"CG"`. */
  solver?: SolverName;
  /** Where to start; linear operators start at zero by default. */
  init?: Tensor;
  /** Most iterations; default 50. */
  maxIter?: number;
  /** Relative residual at which every batch item counts as solved; default 1e-4. */
  tol?: number;
}

/** Parameters of `forward`: what the noise is drawn with, and the rest. */
export function splitSeed(parameters: ForwardParameters): { draw: DrawOptions; rest: object } {
  const { seed, ...rest } = parameters as { seed?: number };
  return { draw: seed === undefined ? {} : { seed }, rest };
}

/**
 * Refuses signals with NaN or infinite values.
 *
 * @throws {InvalidArgumentError} naming how many there are
 */
export async function assertFinite(action: string, argument: string, signal: Signal): Promise<void> {
  const bad = await countNonFinite(signal);
  if (bad > 0) {
    throw new InvalidArgumentError(action, argument, "finite", `${bad} values that are NaN or infinite`);
  }
}
