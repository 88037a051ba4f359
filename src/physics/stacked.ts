import { sumOver } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { TensorList } from "../tensor/tensor_list.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { NoiseModel } from "./noise_model.ts";
import { type ForwardParameters, Physics } from "./physics.ts";
import { checkLength, flattened, listOver, measureAll, partAt, setNoiseModelOf } from "./stack_parts.ts";
import { type LinearStackable, StackedLinearPhysics } from "./stacked_linear.ts";
import { namesOf, requireClass, requireKnown, updateEach, versionOf } from "./updatable.ts";

export { type LinearStackable, StackedLinearPhysics };

/** What can be stacked: operators with tensor measurements, and stacks of them. */
export type Stackable = Physics<Tensor> | StackedPhysics | StackedLinearPhysics;

/**
 * Several operators that measure one image: y_i = A_i(x), a TensorList. Each part adds its own noise.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Denoising,
 *   openDevice,
 *   Physics,
 *   setDefaultDevice,
 *   stack,
 *   StackedPhysics,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * class Square extends Physics<Tensor> {
 *   override A(x: Tensor): Promise<Tensor> {
 *     return Promise.resolve(x.square());
 *   }
 *   override A_vjp(x: Tensor, v: Tensor): Promise<Tensor> {
 *     return Promise.resolve(x.mul(v).mul(2));
 *   }
 * }
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = stack(new Denoising(), new Square()); // one part is not linear: a StackedPhysics
 * assert.ok(physics instanceof StackedPhysics);
 * const x = Tensor.full([1, 1, 2, 2], 3);
 * const y = await physics.A(x);
 * assert.deepEqual(await y.get(1).data(), Float32Array.of(9, 9, 9, 9));
 * const gradient = await physics.A_vjp(x, y); // y_0 + 2 x y_1
 * assert.deepEqual(await gradient.data(), Float32Array.of(57, 57, 57, 57));
 * ```
 */
export class StackedPhysics extends Physics<TensorList> implements Iterable<Physics<Tensor>> {
  readonly #parts: readonly Physics<Tensor>[];

  /**
   * Stacks operators; nested stacks are taken apart.
   *
   * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
   */
  constructor(physics: readonly Stackable[]) {
    super();
    this.#parts = flattened(physics, isStack);
  }

  /** Number of operators. */
  get length(): number {
    return this.#parts.length;
  }

  /**
   * Operator i, counted from the end when negative.
   *
   * @throws {InvalidArgumentError} outside the stack
   */
  get(i: number): Physics<Tensor> {
    return partAt(this.#parts, i);
  }

  /** The operators in order. */
  [Symbol.iterator](): Iterator<Physics<Tensor>> {
    return this.#parts[Symbol.iterator]();
  }

  /** A_i(x) for every part, in order. */
  override A(x: Tensor): Promise<TensorList> {
    return listOver(this.#parts, (part) => part.A(x));
  }

  /**
   * What every part measures, each with its own noise, in order.
   *
   * @param parameters reach every part that knows them; with `seed`, part i draws with seed + i
   * @throws {InvalidArgumentError} when x has values that are NaN or infinite, and for unknown parameters
   */
  override forward(x: Tensor, parameters: ForwardParameters = {}): Promise<TensorList> {
    return measureAll(this, this.#parts, x, parameters);
  }

  /** The names that at least one part knows. */
  override get parameterNames(): readonly string[] {
    return namesOf(this.#parts);
  }

  /** The sum of its operators' versions. */
  override get version(): number {
    return versionOf(this.#parts);
  }

  /** Replaces parameters in every part, or its noise model, that knows them; see {@link Physics.update}. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    updateEach(this.#parts, parameters);
  }

  /**
   * Replaces the noise model of one part, or of all: part i then has a copy with random stream i + 1 of the model's seed,
   * which is the same however the parts are spread over processes. `null` for none.
   *
   * @param item counted from the end when negative; all by default
   * @throws {InvalidArgumentError} for an item outside the stack
   */
  override setNoiseModel(noise: NoiseModel | null, item?: number): void {
    setNoiseModelOf(this.#parts, noise, item);
  }

  /** A stack of copies of all parts. */
  override clone(): this {
    requireClass(this, StackedPhysics);
    return this.withSettings(new StackedPhysics(this.#parts.map((part) => part.clone())) as this);
  }

  /**
   * sum_i J_{A_i}(x)^T v_i
   *
   * @throws {InvalidArgumentError} when v has not one entry per operator
   */
  override async A_vjp(x: Tensor, v: TensorList): Promise<Tensor> {
    checkLength("A_vjp", v, this.length);
    return await sumOver(this.#parts, (part, i) => part.A_vjp(x, v.get(i)));
  }
}

function isStack(part: unknown): part is StackedPhysics | StackedLinearPhysics {
  return part instanceof StackedPhysics || part instanceof StackedLinearPhysics;
}

/**
 * Stacks operators: all linear, the stack is linear too. Nested stacks are taken apart.
 *
 * @throws {InvalidArgumentError} for an empty list
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur, openDevice, setDefaultDevice, stack, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blurs = [1, 2].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
 * const physics = stack(...blurs);
 * const x = Tensor.ones([1, 3, 32, 32]);
 * const y = await physics.A(x);
 * assert.equal(y.length, 2);
 * assert.ok(await y.get(1).sub(x).abs().max().item() < 1e-5); // the filters sum to 1
 *
 * const twice = stack(physics, blurs[0]); // stacks inside are taken apart
 * assert.equal(twice.length, 3);
 * ```
 */
export function stack(...physics: LinearStackable[]): StackedLinearPhysics;
/**
 * Stacks operators of which some may not be linear.
 *
 * @throws {InvalidArgumentError} for an empty list
 */
export function stack(...physics: Stackable[]): StackedPhysics | StackedLinearPhysics;
export function stack(...physics: Stackable[]): StackedPhysics | StackedLinearPhysics {
  return physics.every((part) => part instanceof LinearPhysics)
    ? new StackedLinearPhysics(physics as LinearStackable[])
    : new StackedPhysics(physics);
}
