import { Physics } from "../physics/physics.ts";
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
 * A stack of operators spread over the ranks: rank r holds operators r, r + worldSize, ... Every method is called by all
 * ranks; `gather: false` keeps each rank's part and needs no communication.
 */
export class DistributedStackedPhysics extends Physics<TensorList> {
  readonly #share: OperatorShare<Physics<Tensor>>;

  /** Made by `distribute`. */
  constructor(share: OperatorShare<Physics<Tensor>>) {
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
  get localPhysics(): readonly Physics<Tensor>[] {
    return this.#share.localPhysics;
  }

  /** All A_i(x) on every rank; `gather: false` gives this rank's, `reduceOp` their sum or mean. */
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

  /** sum_i J_{A_i}(x)^T v_i; v may hold all operators' entries or this rank's. One allReduce. */
  override A_vjp(x: Tensor, v: Measurements, options?: SumOptions): Promise<Tensor>;
  /** With the reduction that the options name; `null` gives a list with one entry for each operator. */
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList>;
  override A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions = {}): Promise<Tensor | TensorList> {
    return this.#share.A_vjp(x, v, options);
  }
}
