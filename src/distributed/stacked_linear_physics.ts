import { LinearPhysics, type SqnormOptions } from "../physics/linear_physics.ts";
import type { LeastSquaresOptions } from "../physics/physics.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import type { GatherOptions, MapReduceOptions } from "./map_reduce.ts";
import { imageKey, listed, type Measurements, type OperatorShare } from "./operator_share.ts";
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
 * A stack of linear operators spread over the ranks: rank r holds operators r, r + worldSize, ... Every method is called
 * by all ranks, with the same image; `gather: false` keeps each rank's part and needs no communication.
 */
export class DistributedStackedLinearPhysics extends LinearPhysics<TensorList> {
  readonly #share: OperatorShare<LinearPhysics<Tensor>>;

  /** Made by `distribute`. */
  constructor(share: OperatorShare<LinearPhysics<Tensor>>) {
    super();
    this.#share = share;
  }

  /** Number of operators of the whole stack. */
  get numOperators(): number {
    return this.#share.numOperators;
  }

  /** Number of operators of the whole stack. */
  get length(): number {
    return this.#share.numOperators;
  }

  /** The numbers of this rank's operators. */
  get localIndexes(): readonly number[] {
    return this.#share.localIndexes;
  }

  /** This rank's operators, in the order of `localIndexes`. */
  get localPhysics(): readonly LinearPhysics<Tensor>[] {
    return this.#share.localPhysics;
  }

  /** All A_i x on every rank; `gather: false` gives this rank's, `reduceOp` their sum or mean. */
  override A(x: Tensor, options?: ListOptions): Promise<TensorList>;
  /** With the reduction that the options name. */
  override A(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A(x: Tensor, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.#share.A(x, options);
  }

  /** As `A`, with each operator's noise, drawn by its owner: all ranks see one y. */
  override forward(x: Tensor, options?: ListOptions): Promise<TensorList>;
  /** With the reduction that the options name. */
  override forward(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override forward(x: Tensor, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.#share.forward(x, options);
  }

  /** A^T y = sum_i A_i^T y_i; y may hold all operators' entries or this rank's. One allReduce. */
  override A_adjoint(y: Measurements, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_adjoint(y: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override async A_adjoint(y: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    const own = this.#share.entries("A_adjoint", y);
    const key = this.#share.measurementKey("A_adjoint", y);
    const apply = (physics: LinearPhysics<Tensor>, k: number) => physics.A_adjoint(own[k]);
    return await this.#share.mapReduce(key, apply, { reduceOp: "sum", ...options });
  }

  /** A^T v, whatever x. */
  override A_vjp(x: Tensor, v: Measurements, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.#share.A_vjp(x, v, options);
  }

  /** A^T A x = sum_i A_i^T A_i x. One allReduce; the measurements stay where they are. */
  override A_adjoint_A(x: Tensor, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_adjoint_A(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A_adjoint_A(x: Tensor, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    const apply = (physics: LinearPhysics<Tensor>) => physics.A_adjoint_A(x);
    return this.#share.mapReduce(imageKey("A_adjoint_A", x), apply, { reduceOp: "sum", ...options });
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
    const own = this.#share.entries("A_dagger", y);
    const apply = (physics: LinearPhysics<Tensor>, k: number) => physics.A_dagger(own[k], solver);
    const key = this.#share.measurementKey("A_dagger", y);
    return await this.#share.mapReduce(key, apply, { gather, reduceOp: "mean" }) as Tensor;
  }

  /** ||A||_2^2, or an upper bound of it: sum_i ||A_i||_2^2 >= ||A||_2^2. */
  override async computeSqnorm(x0: Tensor, options: DistributedSqnormOptions = {}): Promise<number> {
    const { localOnly = true, ...power } = options;
    if (!localOnly) return await super.computeSqnorm(x0, power);
    const norms = await this.#share.ctx.measure("operators", async () => {
      let sum = 0;
      for (const physics of this.localPhysics) sum += await physics.computeSqnorm(x0, power);
      return sum;
    });
    const [total] = await this.#share.ctx.allReduce(Float64Array.of(norms), { op: "sum" });
    return total;
  }
}
