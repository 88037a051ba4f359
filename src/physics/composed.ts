import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { LinearPhysics } from "./linear_physics.ts";
import {
  applyAll,
  backThrough,
  chained,
  isUnchanged,
  measureLast,
  noisy,
  passThrough,
} from "./operator_chain.ts";
import { type ForwardParameters, Physics, splitSeed } from "./physics.ts";
import { namesOf, requireClass, requireKnown, updateEach, versionOf } from "./updatable.ts";

/** The operators of a composition: all but the last one have tensor measurements. */
export type OperatorChain<Y extends Signal, P extends Physics = Physics> = readonly [
  ...inner: P[],
  last: P & Physics<Y>,
];

function isComposition(part: Physics): part is ComposedPhysics | ComposedLinearPhysics {
  return part instanceof ComposedPhysics || part instanceof ComposedLinearPhysics;
}

/**
 * Operators one after the other: A(x) = A_n(... A_1(x)). Noise and sensor are those of the outermost, A_n; the others' are not
 * used.
 *
 * @example Intensities of a blurred complex field
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   compose,
 *   ComposedPhysics,
 *   gaussianBlur,
 *   MRI,
 *   openDevice,
 *   PhaseRetrieval,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 0.5 }), padding: "circular" });
 * const intensities = new PhaseRetrieval({ B: new MRI({ mask: Tensor.ones([16, 16]) }) });
 * const physics = compose(blur, intensities); // intensities.A(blur.A(x)): not linear
 * assert.ok(physics instanceof ComposedPhysics);
 *
 * const x = Tensor.randn([1, 2, 16, 16], { seed: 1 }), v = Tensor.randn([1, 1, 16, 16], { seed: 2 });
 * const gradient = await physics.A_vjp(x, v);
 * // A(t x) = t^2 A(x), so the derivative along x is 2 A(x).
 * const [left, right] = [await gradient.dot(x).item(), 2 * await (await physics.A(x)).dot(v).item()];
 * assert.ok(Math.abs(left - right) < 1e-3 * Math.abs(right));
 * ```
 */
export class ComposedPhysics<Y extends Signal = Signal> extends Physics<Y> implements Iterable<Physics> {
  readonly #parts: readonly Physics[];

  /**
   * Composes operators; compositions among them are taken apart.
   *
   * @param physics the one that acts first comes first
   * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
   */
  constructor(physics: OperatorChain<Y>) {
    const parts = chained(physics, isComposition);
    super(parts[parts.length - 1]);
    this.#parts = parts;
  }

  /** The operators, the one that acts first comes first. */
  [Symbol.iterator](): Iterator<Physics> {
    return this.#parts[Symbol.iterator]();
  }

  /** A_n(... A_1(x)) */
  override async A(x: Tensor): Promise<Y> {
    return await applyAll(this.#parts, x) as Y;
  }

  /** J_1(x)^T J_2(A_1(x))^T ... v */
  override async A_vjp(x: Tensor, v: Y): Promise<Tensor> {
    const values = await passThrough(this.#parts.slice(0, -1), x);
    try {
      return await backThrough(this.#parts, v, (part, i, w) => part.A_vjp(values[i] as Tensor, w));
    } finally {
      values.slice(1).forEach((value) => value.dispose());
    }
  }

  /** sensor(noise(A(x))), noise and sensor being the outermost operator's; see {@link Physics.forward}. */
  override async forward(x: Tensor, parameters: ForwardParameters = {}): Promise<Y> {
    if (!isUnchanged(this, this.#parts)) return await super.forward(x, parameters);
    const { draw, rest } = splitSeed(parameters);
    this.update(rest);
    return await measureLast(this.#parts, x, draw) as Y;
  }

  /** The names that at least one operator, or the noise, knows. */
  override get parameterNames(): readonly string[] {
    return namesOf(noisy(this.#parts, this.noiseModel));
  }

  /** The sum of its operators' versions. */
  override get version(): number {
    return versionOf(this.#parts);
  }

  /** Replaces parameters in every operator, and in the noise, that know them; see {@link Physics.update}. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    updateEach(noisy(this.#parts, this.noiseModel), parameters);
  }

  /** A composition of copies. */
  override clone(): this {
    requireClass(this, ComposedPhysics);
    const copies = this.#parts.map((part) => part.clone()) as unknown as OperatorChain<Y>;
    const copy = this.withSettings(new ComposedPhysics<Y>(copies) as this);
    if (isUnchanged(this, this.#parts)) copy.noiseModel = copies[copies.length - 1].noiseModel;
    return copy;
  }
}

/**
 * Linear operators one after the other: A = A_n ... A_1, A^T = A_1^T ... A_n^T. Noise and sensor are those of the outermost,
 * A_n; the others' are not used.
 *
 * @example A camera: optics, then pixels, then noise
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   ComposedLinearPhysics,
 *   Downsampling,
 *   gaussianBlur,
 *   GaussianNoise,
 *   openDevice,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const optics = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "reflect" });
 * const noiseModel = new GaussianNoise({ sigma: 0.01, seed: 1 });
 * const pixels = new Downsampling({ imgSize: [1, 16, 16], factor: 2, noiseModel });
 * const camera = new ComposedLinearPhysics([optics, pixels]); // the noise is that of the last one
 * const y = await camera.forward(Tensor.ones([1, 1, 16, 16]));
 * assert.deepEqual(y.shape, [1, 1, 8, 8]);
 * const direct = await optics.A_adjoint(await pixels.A_adjoint(y));
 * assert.ok(await (await camera.A_adjoint(y)).sub(direct).abs().max().item() < 1e-6);
 * ```
 */
export class ComposedLinearPhysics<Y extends Signal = Signal> extends LinearPhysics<Y>
  implements Iterable<LinearPhysics> {
  readonly #parts: readonly LinearPhysics[];

  /**
   * Composes operators; compositions among them are taken apart.
   *
   * @param physics the one that acts first comes first
   * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
   */
  constructor(physics: OperatorChain<Y, LinearPhysics>) {
    const parts = chained(physics, isComposition) as LinearPhysics[];
    super(parts[parts.length - 1]);
    this.#parts = parts;
  }

  /** The operators, the one that acts first comes first. */
  [Symbol.iterator](): Iterator<LinearPhysics> {
    return this.#parts[Symbol.iterator]();
  }

  /** A_n ... A_1 x */
  override async A(x: Tensor): Promise<Y> {
    return await applyAll(this.#parts, x) as Y;
  }

  /** A_1^T ... A_n^T y */
  override A_adjoint(y: Y): Promise<Tensor> {
    return backThrough(this.#parts, y, (part, _, v) => (part as LinearPhysics).A_adjoint(v));
  }

  /** sensor(noise(A(x))), noise and sensor being the outermost operator's; see {@link Physics.forward}. */
  override async forward(x: Tensor, parameters: ForwardParameters = {}): Promise<Y> {
    if (!isUnchanged(this, this.#parts)) return await super.forward(x, parameters);
    const { draw, rest } = splitSeed(parameters);
    this.update(rest);
    return await measureLast(this.#parts, x, draw) as Y;
  }

  /** The names that at least one operator, or the noise, knows. */
  override get parameterNames(): readonly string[] {
    return namesOf(noisy(this.#parts, this.noiseModel));
  }

  /** The sum of its operators' versions. */
  override get version(): number {
    return versionOf(this.#parts);
  }

  /** Replaces parameters in every operator, and in the noise, that know them; see {@link Physics.update}. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    updateEach(noisy(this.#parts, this.noiseModel), parameters);
  }

  /** A composition of copies. */
  override clone(): this {
    requireClass(this, ComposedLinearPhysics);
    const copies = this.#parts.map((part) => part.clone()) as unknown as OperatorChain<Y, LinearPhysics>;
    const copy = this.withSettings(new ComposedLinearPhysics<Y>(copies) as this);
    if (isUnchanged(this, this.#parts)) copy.noiseModel = copies[copies.length - 1].noiseModel;
    return copy;
  }
}

/**
 * Composes operators: the first argument acts first, `compose(p1, p2).A(x)` is `p2.A(p1.A(x))`. All linear, the composition is
 * linear too; its noise and sensor are the last argument's. Nested compositions are taken apart.
 *
 * @throws {InvalidArgumentError} for an empty list
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   compose,
 *   Downsampling,
 *   gaussianBlur,
 *   openDevice,
 *   setDefaultDevice,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const camera = compose(blur, new Downsampling({ imgSize: [1, 16, 16], factor: 2 }));
 * const y = await camera.A(Tensor.ones([1, 1, 16, 16]));
 * assert.deepEqual(y.shape, [1, 1, 8, 8]);
 * assert.ok(await y.sub(1).abs().max().item() < 1e-6); // the filter sums to 1
 * ```
 */
export function compose<Y extends Signal>(
  ...physics: [...LinearPhysics<Tensor>[], LinearPhysics<Y>]
): ComposedLinearPhysics<Y>;
/**
 * Composes operators of which some may not be linear.
 *
 * @throws {InvalidArgumentError} for an empty list
 */
export function compose<Y extends Signal>(
  ...physics: [...Physics<Tensor>[], Physics<Y>]
): ComposedPhysics<Y> | ComposedLinearPhysics<Y>;
export function compose(...physics: Physics[]): ComposedPhysics | ComposedLinearPhysics {
  return physics.every((part) => part instanceof LinearPhysics)
    ? new ComposedLinearPhysics(physics as unknown as OperatorChain<Signal, LinearPhysics>)
    : new ComposedPhysics(physics as unknown as OperatorChain<Signal>);
}
