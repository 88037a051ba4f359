import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** What parameters take: each function checks a value as the constructor does, then keeps it. */
export type Setters = Readonly<Record<string, (value: unknown) => void>>;

/**
 * Something built from one options object, whose parameters can be replaced by name later. A subclass whose constructor
 * takes one options object and hands it to `super` can be cloned; one that overrides `setters` can be updated.
 *
 * @example Parameters by name, and copies
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   Blur,
 *   gaussianBlur,
 *   GaussianNoise,
 *   openDevice,
 *   setDefaultDevice,
 *   Updatable,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const noiseModel = new GaussianNoise({ sigma: 0.1, seed: 1 });
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), noiseModel });
 * assert.ok(blur instanceof Updatable);
 * assert.deepEqual(blur.parameterNames, ["filter", "sigma"]); // the operator's and its noise model's
 *
 * const copy = blur.clone();
 * copy.update({ filter: gaussianBlur({ sigma: 2 }), sigma: 0.5 });
 * assert.deepEqual(blur.filter.shape, [1, 1, 9, 9]); // untouched
 * assert.equal(noiseModel.sigma, 0.1);
 * assert.throws(() => blur.update({ sigmma: 1 }), { name: "InvalidArgumentError" });
 * ```
 */
export abstract class Updatable {
  /** The options as they stand now, for clones. */
  #options: object | undefined;
  #version = 0;

  /**
   * Keeps the options for clones.
   *
   * @param options what the subclass's constructor was given
   */
  constructor(options?: object) {
    this.#options = options;
  }

  /** The names that `update` knows. */
  get parameterNames(): readonly string[] {
    return Object.keys(this.setters());
  }

  /**
   * How often parameters were replaced so far: what was computed from them is out of date once this rises. A class that works
   * with other updatable objects adds theirs.
   */
  get version(): number {
    return this.#version;
  }

  /**
   * Replaces parameters for good, e.g. `update({ filter })` or `update({ sigma: 0.2 })`. Names are checked before anything
   * changes.
   *
   * @param parameters values by name, each as the constructor takes it
   * @throws {InvalidArgumentError} for a name that is not in `parameterNames`, and for values that the constructor refuses
   */
  update(parameters: object): void {
    requireKnown(this, parameters);
    const setters = this.setters();
    this.#version++;
    for (const [name, value] of Object.entries(parameters)) {
      setters[name](value);
      this.#options = { ...this.#options, [name]: value };
    }
  }

  /**
   * A copy of its own: tensors are copied, and what is done to one of the two does not change the other.
   *
   * @throws {InvalidArgumentError} when the class neither hands its options to `super` nor overrides this method
   */
  clone(): this {
    if (!this.#options) {
      throw new InvalidArgumentError(
        `clone a ${this.constructor.name}`,
        "its class",
        "one that hands its options to super, or overrides clone",
        "neither",
      );
    }
    const entries = Object.entries(this.#options).map(([name, value]) => [name, copyOf(value)]);
    const Class = this.constructor as new (options: object) => this;
    return new Class(Object.fromEntries(entries));
  }

  /** What can be replaced, by name; nothing unless a subclass says so. */
  protected setters(): Setters {
    return {};
  }
}

/**
 * Refuses parameters with a name that their target does not know.
 *
 * @throws {InvalidArgumentError} with the names that it knows
 */
export function requireKnown(target: Updatable, parameters: object): void {
  const known = target.parameterNames;
  for (const name of Object.keys(parameters)) {
    if (known.includes(name)) continue;
    throw new InvalidArgumentError(
      `update ${target.constructor.name}`,
      "a parameter's name",
      known.length > 0 ? `one of ${known.join(", ")}` : "none: it has no parameters to update",
      `"${name}"`,
    );
  }
}

/** Passes each target, once, the parameters that it knows. */
export function updateEach(targets: readonly Updatable[], parameters: object): void {
  for (const target of new Set(targets)) {
    const known = target.parameterNames;
    const own = Object.entries(parameters).filter(([name]) => known.includes(name));
    if (own.length > 0) target.update(Object.fromEntries(own));
  }
}

/** The names that at least one target knows, each once. */
export function namesOf(targets: readonly Updatable[]): string[] {
  return [...new Set(targets.flatMap((target) => target.parameterNames))];
}

/**
 * Refuses to clone an object of a subclass that does not say how: its own doings would be lost.
 *
 * @throws {InvalidArgumentError} when the object's class is not the one that knows how to clone itself
 */
export function requireClass(target: object, Class: { readonly name: string }): void {
  if (target.constructor === Class) return;
  throw new InvalidArgumentError(
    `clone a ${target.constructor.name}`,
    "its class",
    `${Class.name} itself, or one that overrides clone`,
    `a subclass that does not`,
  );
}

/** The sum of the targets' versions, each counted once; it rises with each of them. */
export function versionOf(targets: readonly Updatable[]): number {
  return [...new Set(targets)].reduce((sum, { version }) => sum + version, 0);
}

function copyOf(value: unknown): unknown {
  if (value instanceof Tensor || value instanceof TensorList || value instanceof Updatable) {
    return value.clone();
  }
  return Array.isArray(value) ? [...value] : value;
}
