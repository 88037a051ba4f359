import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { LinearPhysics } from "./linear_physics.ts";
import type { DrawOptions, NoiseModel } from "./noise_model.ts";
import { assertFinite, type ForwardParameters, Physics, splitSeed } from "./physics.ts";
import { namesOf, requireKnown, updateEach } from "./updatable.ts";

/** The operators of a composition: all but the last one have tensor measurements. */
export type OperatorChain<Y extends Signal, P extends Physics = Physics> = readonly [
  ...inner: P[],
  last: P & Physics<Y>,
];

/** The operators in order; compositions among them are taken apart. */
function chained(physics: readonly Physics[]): Physics[] {
  for (const part of physics) {
    if (part instanceof Physics) continue;
    throw new InvalidArgumentError("compose operators", "every part", "a Physics", String(part));
  }
  if (physics.length === 0) {
    throw new InvalidArgumentError("compose operators", "the list", "of at least one operator", "none");
  }
  return physics.flatMap((part) =>
    part instanceof ComposedPhysics || part instanceof ComposedLinearPhysics ? [...part] : [part]
  );
}

/** What each operator is applied to, and the last result: x, A_1(x), A_2(A_1(x)), ...; x itself is the caller's. */
async function passThrough(parts: readonly Physics[], x: Tensor): Promise<Signal[]> {
  const values: Signal[] = [x];
  try {
    for (const part of parts) values.push(await part.A(values[values.length - 1] as Tensor));
    return values;
  } catch (error) {
    values.slice(1).forEach((value) => value.dispose());
    throw error;
  }
}

/** A_n(... A_1(x)) */
async function applyAll(parts: readonly Physics[], x: Tensor): Promise<Signal> {
  const values = await passThrough(parts, x);
  values.slice(1, -1).forEach((value) => value.dispose());
  return values[values.length - 1];
}

/** The outermost operator's measurement, with its own noise and sensor, of what the others make of x. */
async function measureLast(parts: readonly Physics[], x: Tensor, draw: DrawOptions): Promise<Signal> {
  const last = parts[parts.length - 1];
  if (parts.length === 1) return await last.forward(x, draw);
  await assertFinite("measure an image", "x", x);
  using inner = await applyAll(parts.slice(0, -1), x) as Tensor;
  return await last.forward(inner, draw);
}

/** Whether a composition still has the noise and sensor of its outermost operator. */
function isUnchanged(composition: Physics, parts: readonly Physics[]): boolean {
  const last = parts[parts.length - 1];
  return composition.noiseModel === last.noiseModel && composition.sensor === last.sensor;
}

/** f of every operator, the last one first, each on what the one after it gave. */
async function backThrough(
  parts: readonly Physics[],
  v: Signal,
  f: (part: Physics, index: number, v: Signal) => Promise<Tensor>,
): Promise<Tensor> {
  let value = v;
  for (let i = parts.length - 1; i >= 0; i--) {
    const next = await f(parts[i], i, value).finally(() => {
      if (value !== v) value.dispose();
    });
    value = next;
  }
  return value as Tensor;
}

/**
 * Operators one after the other: A(x) = A_n(... A_1(x)). Noise and sensor are those of the outermost, A_n; the others' are not
 * used.
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
    const parts = chained(physics);
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

  /** Replaces parameters in every operator, and in the noise, that know them; see {@link Physics.update}. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    updateEach(noisy(this.#parts, this.noiseModel), parameters);
  }

  /** A composition of copies. */
  override clone(): this {
    const copies = this.#parts.map((part) => part.clone()) as unknown as OperatorChain<Y>;
    const copy = this.withSettings(new ComposedPhysics<Y>(copies) as this);
    if (isUnchanged(this, this.#parts)) copy.noiseModel = copies[copies.length - 1].noiseModel;
    return copy;
  }
}

/**
 * Linear operators one after the other: A = A_n ... A_1, A^T = A_1^T ... A_n^T. Noise and sensor are those of the outermost,
 * A_n; the others' are not used.
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
    const parts = chained(physics) as LinearPhysics[];
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

  /** Replaces parameters in every operator, and in the noise, that know them; see {@link Physics.update}. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    updateEach(noisy(this.#parts, this.noiseModel), parameters);
  }

  /** A composition of copies. */
  override clone(): this {
    const copies = this.#parts.map((part) => part.clone()) as unknown as OperatorChain<Y, LinearPhysics>;
    const copy = this.withSettings(new ComposedLinearPhysics<Y>(copies) as this);
    if (isUnchanged(this, this.#parts)) copy.noiseModel = copies[copies.length - 1].noiseModel;
    return copy;
  }
}

/** Operators and the noise of the composition, which may have been replaced. */
function noisy(parts: readonly Physics[], noise: NoiseModel | undefined): readonly (Physics | NoiseModel)[] {
  return noise && noise !== parts[parts.length - 1].noiseModel ? [...parts, noise] : parts;
}

/**
 * Composes operators: the first argument acts first, `compose(p1, p2).A(x)` is `p2.A(p1.A(x))`. All linear, the composition is
 * linear too; its noise and sensor are the last argument's. Nested compositions are taken apart.
 *
 * @throws {InvalidArgumentError} for an empty list
 *
 * @example
 * ```ts
 * import { Blur, compose, Downsampling, gaussianBlur, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
 * const camera = compose(blur, new Downsampling({ imgSize: [1, 16, 16], factor: 2 }));
 * console.log((await camera.A(Tensor.ones([1, 1, 16, 16]))).shape); // [ 1, 1, 8, 8 ]
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
