import { sumOver } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { TensorList } from "../tensor/tensor_list.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { NoiseModel } from "./noise_model.ts";
import type { ForwardParameters } from "./physics.ts";
import { checkLength, flattened, listOver, measureAll, partAt, setNoiseModelOf } from "./stack_parts.ts";
import { namesOf, requireClass, requireKnown, updateEach, versionOf } from "./updatable.ts";

/** What makes a linear stack: linear operators with tensor measurements, and stacks of them. */
export type LinearStackable = LinearPhysics<Tensor> | StackedLinearPhysics;

/**
 * A stack of linear operators, itself linear: A = [A_1; ...; A_n], A^T y = sum_i A_i^T y_i. Each part adds its own
 * noise.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   Downsampling,
 *   gaussianBlur,
 *   GaussianNoise,
 *   openDevice,
 *   setDefaultDevice,
 *   StackedLinearPhysics,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "reflect" });
 * const physics = new StackedLinearPhysics([blur, new Downsampling({ imgSize: [1, 16, 16], factor: 4 })]);
 * physics.setNoiseModel(new GaussianNoise({ sigma: 0.01, seed: 1 })); // each part gets a stream of its own
 * const x = Tensor.randn([1, 1, 16, 16], { seed: 2 });
 * const y = await physics.forward(x); // a TensorList
 * assert.deepEqual([...y].map((part) => part.shape), [[1, 1, 16, 16], [1, 1, 4, 4]]);
 *
 * const sum = (await physics.get(0).A_adjoint(y.get(0))).add(await physics.get(1).A_adjoint(y.get(1)));
 * assert.ok(await (await physics.A_adjoint(y)).sub(sum).abs().max().item() < 1e-6);
 * assert.ok(Math.abs(await physics.adjointnessTest(x)) < 1e-3);
 * ```
 */
export class StackedLinearPhysics extends LinearPhysics<TensorList>
  implements Iterable<LinearPhysics<Tensor>> {
  readonly #parts: readonly LinearPhysics<Tensor>[];

  /**
   * Stacks operators; nested stacks are taken apart.
   *
   * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
   */
  constructor(physics: readonly LinearStackable[]) {
    super();
    this.#parts = flattened(physics, isLinearStack);
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
  get(i: number): LinearPhysics<Tensor> {
    return partAt(this.#parts, i);
  }

  /** The operators in order. */
  [Symbol.iterator](): Iterator<LinearPhysics<Tensor>> {
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
    requireClass(this, StackedLinearPhysics);
    return this.withSettings(new StackedLinearPhysics(this.#parts.map((part) => part.clone())) as this);
  }

  /**
   * sum_i A_i^T y_i
   *
   * @throws {InvalidArgumentError} when y has not one entry per operator
   */
  override async A_adjoint(y: TensorList): Promise<Tensor> {
    checkLength("A_adjoint", y, this.length);
    return await sumOver(this.#parts, (part, i) => part.A_adjoint(y.get(i)));
  }

  /** sum_i A_i^T A_i x, without keeping the measurements. */
  override A_adjoint_A(x: Tensor): Promise<Tensor> {
    return sumOver(this.#parts, (part) => part.A_adjoint_A(x));
  }
}

function isLinearStack(part: unknown): part is StackedLinearPhysics {
  return part instanceof StackedLinearPhysics;
}
