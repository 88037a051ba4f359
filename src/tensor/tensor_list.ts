import { InvalidArgumentError } from "../util/errors.ts";
import { Tensor } from "./tensor.ts";

/**
 * An ordered list of tensors of any shapes: the measurements of a stack of operators. Arithmetic works entry by entry,
 * with a scalar or with another list of the same length.
 *
 * @example The measurements of a stack
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, TensorList } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using y = TensorList.from([Tensor.ones([1, 1, 8, 8]), Tensor.full([1, 20], 3)]); // any shapes; takes them over
 * using residual = y.mul(2).sub(y).addScaled(y, -0.5); // y / 2, entry by entry
 * assert.deepEqual(residual.shape, [[1, 1, 8, 8], [1, 20]]);
 * const means = [];
 * for (const entry of residual) means.push(await entry.mean().item());
 * assert.deepEqual(means, [0.5, 1.5]);
 * assert.equal(await y.get(-1).sum().item(), 60); // from the end
 * ```
 */
export class TensorList implements Disposable, Iterable<Tensor> {
  readonly #entries: readonly Tensor[];

  private constructor(entries: readonly Tensor[]) {
    this.#entries = entries;
  }

  /**
   * A list of the given tensors; it takes them over: disposing the list disposes them.
   *
   * @throws {InvalidArgumentError} when an entry is not a Tensor
   */
  static from(tensors: Iterable<Tensor>): TensorList {
    const entries = [...tensors];
    for (const entry of entries) {
      if (!(entry instanceof Tensor)) {
        throw new InvalidArgumentError("make a TensorList", "every entry", "a Tensor", String(entry));
      }
    }
    return new TensorList(entries);
  }

  /** Number of tensors. */
  get length(): number {
    return this.#entries.length;
  }

  /** The shapes, in order. */
  get shape(): readonly (readonly number[])[] {
    return this.#entries.map((entry) => entry.shape);
  }

  /** Number of values in all entries. */
  get numel(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.numel, 0);
  }

  /**
   * Entry i, counted from the end when negative.
   *
   * @throws {InvalidArgumentError} outside the list
   */
  get(i: number): Tensor {
    const entry = this.#entries.at(i);
    if (!entry || !Number.isInteger(i)) {
      throw new InvalidArgumentError(
        "get an entry",
        "the index",
        `in [${-this.length}, ${this.length - 1}]`,
        String(i),
      );
    }
    return entry;
  }

  /** The tensors in order. */
  [Symbol.iterator](): Iterator<Tensor> {
    return this.#entries[Symbol.iterator]();
  }

  /** A new list of f(entry, index), each a tensor of its own. */
  map(f: (entry: Tensor, index: number) => Tensor): TensorList {
    const results: Tensor[] = [];
    try {
      this.#entries.forEach((entry, i) => results.push(f(entry, i)));
      return TensorList.from(results);
    } catch (error) {
      results.forEach((result) => result.dispose());
      throw error;
    }
  }

  /** a + b */
  add(other: TensorList | number): TensorList {
    return this.#combine("add", other, (a, b) => a.add(b));
  }

  /** a - b */
  sub(other: TensorList | number): TensorList {
    return this.#combine("subtract", other, (a, b) => a.sub(b));
  }

  /** a b, elementwise */
  mul(other: TensorList | number): TensorList {
    return this.#combine("multiply", other, (a, b) => a.mul(b));
  }

  /** a / b, elementwise */
  div(other: TensorList | number): TensorList {
    return this.#combine("divide", other, (a, b) => a.div(b));
  }

  /** a + scale b, in one pass */
  addScaled(other: TensorList, scale: number): TensorList {
    return this.#combine("add", other, (a, b) => a.addScaled(b as Tensor, scale));
  }

  /** -a */
  neg(): TensorList {
    return this.map((entry) => entry.neg());
  }

  /** A copy of its own. */
  clone(): TensorList {
    return this.map((entry) => entry.clone());
  }

  /** Frees all entries. */
  dispose(): void {
    this.#entries.forEach((entry) => entry.dispose());
  }

  /** Same as {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #combine(
    action: string,
    other: TensorList | number,
    f: (a: Tensor, b: Tensor | number) => Tensor,
  ): TensorList {
    if (typeof other === "number") return this.map((entry) => f(entry, other));
    if (!(other instanceof TensorList) || other.length !== this.length) {
      throw new InvalidArgumentError(
        `${action} TensorLists`,
        "the other operand",
        `a number or a TensorList of length ${this.length}`,
        other instanceof TensorList ? `one of length ${other.length}` : String(other),
      );
    }
    return this.map((entry, i) => f(entry, other.get(i)));
  }
}
