import { LinearPhysics } from "../physics/linear_physics.ts";
import type { Physics } from "../physics/physics.ts";
import { entriesOf, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { DataFidelity } from "./data_fidelity.ts";
import { isPlainL2 } from "./l2.ts";
import { weightedL2Prox, weightedSystem } from "./weighted_l2_prox.ts";

/** A fidelity of its own for every operator of a stack: fn(x) = sum_i d_i(A_i(x), y_i). *
 * @example Two scanners with noise of different kinds
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, L1, L2, openDevice } from "@deepinv/distributed";
 * import { setDefaultDevice, stack, StackedPhysicsDataFidelity, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = stack(new Denoising(), new Denoising());
 * const y = await physics.A(Tensor.zeros([1, 1, 4, 4]));
 * const fidelity = new StackedPhysicsDataFidelity([new L2(), new L1()]);
 * using value = await fidelity.fn(Tensor.ones([1, 1, 4, 4]), y, physics);
 * assert.equal(await value.item(), 16 / 2 + 16);
 * ```
 */
export class StackedPhysicsDataFidelity extends DataFidelity implements Iterable<DataFidelity> {
  readonly #fidelities: readonly DataFidelity[];

  /**
   * Takes one fidelity for each operator, in order.
   *
   * @throws {InvalidArgumentError} for an empty list, and for entries that are no fidelities
   */
  constructor(fidelities: readonly DataFidelity[]) {
    super();
    const all = Array.isArray(fidelities) && fidelities.length > 0 &&
      fidelities.every((fidelity) => fidelity instanceof DataFidelity);
    if (!all) {
      throw new InvalidArgumentError(
        "stack data fidelities",
        "the list",
        "of at least one DataFidelity and nothing else",
        Array.isArray(fidelities) ? `[${fidelities.map((f) => f?.constructor?.name)}]` : String(fidelities),
      );
    }
    this.#fidelities = [...fidelities];
  }

  /** Number of fidelities. */
  get length(): number {
    return this.#fidelities.length;
  }

  /** The fidelities in order. */
  [Symbol.iterator](): Iterator<DataFidelity> {
    return this.#fidelities[Symbol.iterator]();
  }

  /** sum_i d_i(A_i(x), y_i), shape (B,) */
  override async fn(x: Tensor, y: Signal, physics: Physics): Promise<Tensor> {
    this.#check(y);
    return await super.fn(x, y, physics);
  }

  /** sum_i J_{A_i}(x)^T grad d_i(A_i(x), y_i), of x's shape */
  override async grad(x: Tensor, y: Signal, physics: Physics): Promise<Tensor> {
    this.#check(y);
    return await super.grad(x, y, physics);
  }

  /**
   * argmin_z gamma fn(z) + ||z - x||^2 / 2, of x's shape: of L2 fidelities by conjugate gradients on
   * sum_i A_i^T A_i / sigma_i^2 + I / gamma, of others as `DataFidelity.prox`.
   */
  override async prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor> {
    this.#check(y);
    if (physics instanceof LinearPhysics && this.#fidelities.every(isPlainL2)) {
      const weights = this.#fidelities.map(({ sigma }) => 1 / sigma ** 2);
      return await weightedL2Prox(x, gamma, weightedSystem(physics, y, weights));
    }
    return await super.prox(x, y, physics, gamma);
  }

  /**
   * Every operator has its own.
   *
   * @throws {InvalidArgumentError} always
   */
  override d(_u: Tensor, _y: Tensor): Promise<Tensor> {
    return this.#refuse("d");
  }

  /**
   * Every operator has its own.
   *
   * @throws {InvalidArgumentError} always
   */
  override gradD(_u: Tensor, _y: Tensor): Promise<Tensor> {
    return this.#refuse("gradD");
  }

  /**
   * Every operator has its own.
   *
   * @throws {InvalidArgumentError} always
   */
  override proxD(_u: Tensor, _y: Tensor, _gamma: number): Promise<Tensor> {
    return this.#refuse("proxD");
  }

  /** Fidelity `index`. */
  protected override entry(index: number): DataFidelity {
    return this.#fidelities[index];
  }

  #check(y: Signal): void {
    const count = entriesOf(y).length;
    if (count === this.length) return;
    const requirement = `a TensorList of length ${this.length}, one entry for each fidelity`;
    throw new InvalidArgumentError("compare measurements", "y", requirement, `length ${count}`);
  }

  #refuse(method: string): Promise<never> {
    return Promise.reject(
      new InvalidArgumentError(
        `use ${method} of a StackedPhysicsDataFidelity`,
        "the measurement",
        "given with its fidelity (iterate over the stack)",
        "a single tensor",
      ),
    );
  }
}
