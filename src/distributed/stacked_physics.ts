import type { NoiseModel } from "../physics/noise_model.ts";
import { type ForwardParameters, Physics } from "../physics/physics.ts";
import { requireKnown } from "../physics/updatable.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { TensorList } from "../tensor/tensor_list.ts";
import type { GatherOptions, MapReduceOptions } from "./map_reduce.ts";
import type { Measurements, OperatorShare } from "./operator_share.ts";

/** Options that leave a result a list. */
export interface ListOptions extends GatherOptions {
  /** No reduction: the result is a list. */
  reduceOp?: null;
}

/** Options that leave a result a single tensor. */
export interface SumOptions extends GatherOptions {
  /** Sum (default) or mean over all operators. */
  reduceOp?: "sum" | "mean";
}

/**
 * A stack of operators spread over the ranks: rank r holds operators r, r + worldSize, ..., or a balanced share. Every
 * method is called by all ranks; `gather: false` keeps each rank's part and needs no communication.
 *
 * @example Intensities from several random operators
 * ```ts
 * import assert from "node:assert/strict";
 * import { AmplitudeLoss, distribute, DistributedContext, GD } from "@deepinv/distributed";
 * import { type Physics, RandomPhaseRetrieval, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const operator = (seed: number): Physics<Tensor> => new RandomPhaseRetrieval({ m: 90, imgSize: [1, 4, 4], seed });
 * const physics = await distribute(operator, ctx, { typeObject: "physics", numOperators: 3 });
 * const x = Tensor.randn([1, 2, 4, 4], { seed: 1 });
 * const y = await physics.A(x);
 * assert.deepEqual(y.shape, [[1, 90], [1, 90], [1, 90]]);
 * const dataFidelity = await distribute(new AmplitudeLoss(), ctx); // its gradient sums J_i^T over the ranks
 * const init = x.add(Tensor.randn(x.shape, { seed: 2 }).mul(0.3));
 * const algorithm = new GD({ dataFidelity, stepsize: 0.1, maxIter: 20 });
 * const { metrics: { cost: [cost] } } = await algorithm.run(y, physics, { init });
 * assert(cost[19] < 0.1 * cost[0]);
 * ```
 */
export class DistributedStackedPhysics extends Physics<TensorList> {
  /** This rank's share of the operators, for what is distributed along with them. */
  readonly share: OperatorShare<Physics<Tensor>>;

  /** Made by `distribute`. */
  constructor(share: OperatorShare<Physics<Tensor>>) {
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
  get localPhysics(): readonly Physics<Tensor>[] {
    return this.share.localPhysics;
  }

  /** Operator i, counted from the end when negative; only on the rank that has it. */
  get(i: number): Physics<Tensor> {
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

  /** All A_i(x) on every rank; `gather: false` gives this rank's, `reduceOp` their sum or mean. */
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

  /** sum_i J_{A_i}(x)^T v_i; v may hold all operators' entries or this rank's. One allReduce. */
  override A_vjp(x: Tensor, v: Measurements, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.share.A_vjp(x, v, options);
  }
}
