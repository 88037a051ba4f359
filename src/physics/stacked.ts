import { collect, sumOver } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { NoiseModel } from "./noise_model.ts";
import { assertFinite, type ForwardParameters, Physics, splitSeed } from "./physics.ts";
import { namesOf, requireKnown, type Updatable, updateEach } from "./updatable.ts";

/** What can be stacked: operators with tensor measurements, and stacks of them. */
export type Stackable = Physics<Tensor> | StackedPhysics | StackedLinearPhysics;

/** The linear ones. */
export type LinearStackable = LinearPhysics<Tensor> | StackedLinearPhysics;

/** The parts of a stack, in order; nested stacks are taken apart. */
function flattened<P extends Physics<Tensor>>(physics: readonly Stackable[]): P[] {
  for (const part of physics) {
    if (!(part instanceof Physics)) {
      throw new InvalidArgumentError("stack operators", "every part", "a Physics", String(part));
    }
  }
  if (physics.length === 0) {
    throw new InvalidArgumentError("stack operators", "the list", "of at least one operator", "none");
  }
  return physics.flatMap((part) => (isStack(part) ? [...part] : [part])) as P[];
}

function isStack(part: Stackable): part is StackedPhysics | StackedLinearPhysics {
  return part instanceof StackedPhysics || part instanceof StackedLinearPhysics;
}

function checkLength(method: string, y: TensorList, expected: number): void {
  if (!(y instanceof TensorList) || y.length !== expected) {
    throw new InvalidArgumentError(
      `apply a stack's ${method}`,
      "y",
      `a TensorList of length ${expected}`,
      y instanceof TensorList ? `length ${y.length}` : String(y),
    );
  }
}

async function listOver<P>(parts: readonly P[], f: (part: P) => Promise<Tensor>): Promise<TensorList> {
  return TensorList.from(await collect(parts, f));
}

async function measureAll(
  stack: Updatable,
  parts: readonly Physics<Tensor>[],
  x: Tensor,
  parameters: ForwardParameters,
): Promise<TensorList> {
  const { draw: { seed }, rest } = splitSeed(parameters);
  stack.update(rest);
  await assertFinite("measure an image", "x", x);
  return TensorList.from(
    await collect(parts, (part, i) => part.forward(x, seed === undefined ? {} : { seed: seed + i })),
  );
}

/** Several operators that measure one image: y_i = A_i(x), a TensorList. Each part adds its own noise. */
export class StackedPhysics extends Physics<TensorList> implements Iterable<Physics<Tensor>> {
  readonly #parts: readonly Physics<Tensor>[];

  /**
   * Stacks operators; nested stacks are taken apart.
   *
   * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
   */
  constructor(physics: readonly Stackable[]) {
    super();
    this.#parts = flattened(physics);
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
    if (item !== undefined) this.get(item).setNoiseModel(noise);
    else this.#parts.forEach((part, i) => part.setNoiseModel(noise && noise.fork(i + 1)));
  }

  /** A stack of copies of all parts. */
  override clone(): this {
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

/**
 * A stack of linear operators, itself linear: A = [A_1; ...; A_n], A^T y = sum_i A_i^T y_i. Each part adds its own
 * noise.
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
    this.#parts = flattened(physics);
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
    if (item !== undefined) this.get(item).setNoiseModel(noise);
    else this.#parts.forEach((part, i) => part.setNoiseModel(noise && noise.fork(i + 1)));
  }

  /** A stack of copies of all parts. */
  override clone(): this {
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

function partAt<P>(parts: readonly P[], i: number): P {
  const part = parts.at(i);
  if (part === undefined || !Number.isInteger(i)) {
    throw new InvalidArgumentError(
      "get an operator",
      "the index",
      `in [${-parts.length}, ${parts.length - 1}]`,
      String(i),
    );
  }
  return part;
}

/**
 * Stacks operators: all linear, the stack is linear too. Nested stacks are taken apart.
 *
 * @throws {InvalidArgumentError} for an empty list
 *
 * @example
 * ```ts
 * import { Blur, gaussianBlur, openDevice, setDefaultDevice, stack, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blurs = [1, 2].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
 * const y = await stack(...blurs).A(Tensor.ones([1, 3, 32, 32]));
 * console.log(y.length, y.get(0).shape); // 2 [ 1, 3, 32, 32 ]
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
