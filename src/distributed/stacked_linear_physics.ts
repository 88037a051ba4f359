import { LinearPhysics, type SqnormOptions } from "../physics/linear_physics.ts";
import type { NoiseModel } from "../physics/noise_model.ts";
import type { ForwardParameters, LeastSquaresOptions } from "../physics/physics.ts";
import { requireKnown } from "../physics/updatable.ts";
import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { type GatherOptions, type MapReduceOptions, summed } from "./map_reduce.ts";
import {
  imageKey,
  listed,
  type Measurements,
  type OnOperator,
  type OperatorShare,
} from "./operator_share.ts";
import type { ListOptions, SumOptions } from "./stacked_physics.ts";

/** Options of a distributed `A_dagger`. */
export interface DistributedDaggerOptions extends LeastSquaresOptions, GatherOptions {
  /**
   * `true` (default): the mean of the operators' own pseudo-inverses, an approximation with one reduction. `false`: the
   * whole stack's, by conjugate gradients with one reduction an iteration.
   */
  localOnly?: boolean;
}

/** Options of a distributed `computeSqnorm`. */
export interface DistributedSqnormOptions extends SqnormOptions {
  /** `true` (default): the sum of the operators' own squared norms, an upper bound. `false`: the whole stack's. */
  localOnly?: boolean;
}

/**
 * A stack of linear operators spread over the ranks: rank r holds operators r, r + worldSize, ..., or a balanced share.
 * Every method is called by all ranks, with the same image; `gather: false` keeps each rank's part and needs no
 * communication, but for the shape of a sum that a rank without operators asks for.
 *
 * @example A scan whose views are spread over the ranks
 * ```ts
 * import assert from "node:assert/strict";
 * import { distribute, DistributedContext, type LinearPhysics } from "@deepinv/distributed";
 * import { sheppLogan, type Tensor, Tomography } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const views = (index: number): LinearPhysics<Tensor> =>
 *   new Tomography({ angles: [0, 15, 30, 45].map((angle) => angle + 60 * index), imgWidth: 16 });
 * const physics = await distribute(views, ctx, { typeObject: "linear_physics", numOperators: 3 });
 * const x = sheppLogan(16);
 * const y = await physics.A(x); // a TensorList of 3, on every rank
 * assert.equal(y.length, physics.numOperators);
 * const own = await physics.A(x, { gather: false }); // of this rank's operators, without communication
 * assert.equal(own.length, physics.localIndexes.length);
 * using back = await physics.A_adjoint(own); // the sum over all ranks; y would do as well
 * using product = await physics.A_adjoint_A(x);
 * assert(await back.sub(product).norm().item() < 1e-4 * await product.norm().item());
 * assert(await physics.computeSqnorm(x, { localOnly: false }) <= await physics.computeSqnorm(x)); // a bound: the sum
 * ```
 */
export class DistributedStackedLinearPhysics extends LinearPhysics<TensorList> {
  /** This rank's share of the operators, for what is distributed along with them. */
  readonly share: OperatorShare<LinearPhysics<Tensor>>;

  /** Made by `distribute`. */
  constructor(share: OperatorShare<LinearPhysics<Tensor>>) {
    super();
    this.share = share;
  }

  /** Number of operators of the whole stack. */
  get numOperators(): number {
    return this.share.numOperators;
  }

  /** Number of operators of the whole stack. */
  get length(): number {
    return this.share.numOperators;
  }

  /** The numbers of this rank's operators. */
  get localIndexes(): readonly number[] {
    return this.share.localIndexes;
  }

  /** This rank's operators, in the order of `localIndexes`. */
  get localPhysics(): readonly LinearPhysics<Tensor>[] {
    return this.share.localPhysics;
  }

  /** Operator i, counted from the end when negative; only on the rank that has it. */
  get(i: number): LinearPhysics<Tensor> {
    return this.share.get(i);
  }

  /** The names that at least one operator of the stack knows. */
  override get parameterNames(): readonly string[] {
    return this.share.parameterNames;
  }

  /** The sum of the versions of this rank's operators. */
  override get version(): number {
    return this.share.version;
  }

  /** Replaces parameters of every operator, or its noise model, that knows them. Called by all ranks. */
  override update(parameters: object): void {
    requireKnown(this, parameters);
    this.share.update(parameters);
  }

  /**
   * Replaces the noise model of one operator, or of all: each then draws from a random stream of its own. `null` for none.
   * Called by all ranks.
   *
   * @param item number of the operator in the whole stack; all by default
   */
  override setNoiseModel(noise: NoiseModel | null, item?: number): void {
    this.share.setNoiseModel(noise, item);
  }

  /** All A_i x on every rank; `gather: false` gives this rank's, `reduceOp` their sum or mean. */
  override A(x: Tensor, options?: ListOptions): Promise<TensorList>;
  /** With the reduction that the options name. */
  override A(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A(x: Tensor, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.share.A(x, options);
  }

  /**
   * As `A`, with each operator's noise and sensor, drawn by its owner: all ranks see one y. Besides `gather` and
   * `reduceOp` it takes parameters, as a local stack's `forward`: they reach every operator that knows them, and with
   * `seed` operator i draws with seed + i.
   */
  override forward(x: Tensor, options: MapReduceOptions & { reduceOp: "sum" | "mean" }): Promise<Tensor>;
  /** A list of measurements. */
  override forward(x: Tensor, options?: ListOptions & Record<string, unknown>): Promise<TensorList>;
  override forward(
    x: Tensor,
    options: MapReduceOptions & ForwardParameters = {},
  ): Promise<Tensor & TensorList> {
    const { gather: _gather, reduceOp: _reduceOp, seed: _seed, ...parameters } = options as
      & { seed?: number }
      & MapReduceOptions;
    requireKnown(this, parameters);
    return this.share.forward(x, options) as Promise<Tensor & TensorList>;
  }

  /** A^T y = sum_i A_i^T y_i; y may hold all operators' entries or this rank's. One allReduce. */
  override A_adjoint(y: Measurements, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_adjoint(y: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override async A_adjoint(y: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    const own = await this.share.entries(
      "A_adjoint",
      y,
      options.gather,
      (physics, i) => physics.A_adjoint(listed(y)[i]),
    );
    const key = this.share.measurementKey("A_adjoint", y);
    const apply: OnOperator<LinearPhysics<Tensor>> = (physics, _, k) => physics.A_adjoint(own[k]);
    return await this.share.mapReduce("A_adjoint", key, apply, summed(options));
  }

  /** A^T v, whatever x. */
  override A_vjp(x: Tensor, v: Measurements, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.share.A_vjp(x, v, options);
  }

  /** A^T A x = sum_i A_i^T A_i x. One allReduce; the measurements stay where they are. */
  override A_adjoint_A(x: Tensor, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_adjoint_A(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override async A_adjoint_A(x: Tensor, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    const apply: OnOperator<LinearPhysics<Tensor>> = (physics) => physics.A_adjoint_A(x);
    await this.share.settle(options.gather, (physics) => physics.A_adjoint_A(x));
    const key = imageKey("A_adjoint_A", x);
    return await this.share.mapReduce("A_adjoint_A", key, apply, summed(options), x.shape);
  }

  /** A A^T y: the adjoint over all operators, then every operator. */
  override A_A_adjoint(y: Measurements, options?: ListOptions): Promise<TensorList>;
  /** With the reduction that the options name. */
  override A_A_adjoint(y: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override async A_A_adjoint(y: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    using x = await this.A_adjoint(y);
    return await this.A(x, options);
  }

  /** A pseudo-inverse applied to y; `gather: false` (with `localOnly`) gives this rank's part of the mean. */
  override async A_dagger(y: Measurements, options: DistributedDaggerOptions = {}): Promise<Tensor> {
    const { localOnly = true, gather = true, ...solver } = options;
    if (!localOnly) return await super.A_dagger(TensorList.from(listed(y)), solver);
    const own = await this.share.entries(
      "A_dagger",
      y,
      gather,
      (physics, i) => physics.A_adjoint(listed(y)[i]),
    );
    const apply: OnOperator<LinearPhysics<Tensor>> = (physics, _, k) => physics.A_dagger(own[k], solver);
    const key = this.share.measurementKey("A_dagger", y);
    return await this.share.mapReduce("A_dagger", key, apply, { gather, reduceOp: "mean" }) as Tensor;
  }

  /** ||A||_2^2, or an upper bound of it: sum_i ||A_i||_2^2 >= ||A||_2^2. One allReduce of a number per operator. */
  override async computeSqnorm(x0: Tensor, options: DistributedSqnormOptions = {}): Promise<number> {
    const { localOnly = true, ...power } = options;
    if (!localOnly) return await super.computeSqnorm(x0, power);
    await this.share.settle(true, (physics) => physics.A_adjoint_A(x0));
    const norms = new Float64Array(this.numOperators);
    const done = await this.share.each("computeSqnorm", async (physics, index) => {
      norms[index] = await physics.computeSqnorm(x0, power);
      return Tensor.zeros([], x0);
    });
    done.forEach((tensor) => tensor.dispose());
    // Every norm has one owner, so that the sum does not depend on the number of ranks.
    await this.share.ctx.allReduce(norms, { op: "sum" });
    return norms.reduce((sum, norm) => sum + norm, 0);
  }

  /** The sum over all ranks, as an operator may have been changed on the rank that has it alone. */
  protected override async agreedVersion(): Promise<number> {
    const [version] = await this.share.ctx.allReduce(Float64Array.of(this.version), { op: "sum" });
    return version;
  }

  /** Of the whole stack, not the bound. */
  protected override wholeSqnorm(x0: Tensor): Promise<number> {
    return this.computeSqnorm(x0, { localOnly: false });
  }
}
