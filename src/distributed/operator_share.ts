import type { Physics } from "../physics/physics.ts";
import { assertFinite } from "../physics/physics.ts";
import { entriesOf, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import type { DistributedContext } from "./context.ts";
import {
  checkReduceOp,
  gatherTensors,
  localEntries,
  type MapReduceOptions,
  reduceParts,
  sumOf,
} from "./map_reduce.ts";
import { ShapeMemory } from "./shape_memory.ts";

/** Measurements given to a distributed operator: all operators' (a TensorList or an array), or this rank's alone. */
export type Measurements = Signal | readonly Tensor[];

/** One rank's share of a stack of operators, and how the shares' results become one. */
export class OperatorShare<P extends Physics<Tensor>> {
  readonly #shapes: ShapeMemory;

  /** Made by `distribute`. */
  constructor(
    /** Connects the ranks. */
    readonly ctx: DistributedContext,
    /** Number of operators of the whole stack. */
    readonly numOperators: number,
    /** The numbers of this rank's operators, ascending: i mod worldSize = rank. */
    readonly localIndexes: readonly number[],
    /** This rank's operators, in the order of their numbers. */
    readonly localPhysics: readonly P[],
  ) {
    this.#shapes = new ShapeMemory(ctx, numOperators);
  }

  /** A_i(x) */
  A(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList> {
    return this.mapReduce(imageKey("A", x), (physics) => physics.A(x), { reduceOp: null, ...options });
  }

  /** noise_i(A_i(x)), drawn by the rank that holds operator i */
  async forward(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList> {
    await assertFinite("measure an image", "x", x);
    return await this.mapReduce(imageKey("A", x), (physics) => physics.forward(x), {
      reduceOp: null,
      ...options,
    });
  }

  /** J_{A_i}(x)^T v_i */
  A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList> {
    const own = this.entries("A_vjp", v);
    return this.mapReduce(imageKey("A_vjp", x), (physics, k) => physics.A_vjp(x, own[k]), {
      reduceOp: "sum",
      ...options,
    });
  }

  /**
   * f of every local operator, as a list of all operators' results or reduced.
   *
   * @param key stands for everything that the results' shapes depend on, the same text on every rank
   */
  async mapReduce(
    key: string,
    f: (physics: P, position: number) => Promise<Tensor>,
    { gather = true, reduceOp = null }: MapReduceOptions,
  ): Promise<Tensor | TensorList> {
    checkReduceOp(reduceOp);
    const own = await this.ctx.measure("operators", () => this.#each(f));
    if (reduceOp !== null) {
      const total = sumOf(own);
      const shape = await this.#shapes.ofSum(key, total?.shape);
      const scale = reduceOp === "mean" ? 1 / this.numOperators : 1;
      return await reduceParts(this.ctx, total, shape, { scale, gather });
    }
    const list = TensorList.from(own);
    if (!gather || !this.ctx.isDistributed) return list;
    using _list = list;
    const shapes = await this.#shapes.ofAll(key, list.shape);
    const pairs = own.map((tensor, position) => [this.localIndexes[position], tensor] as const);
    return TensorList.from(
      await gatherTensors(this.ctx, pairs, shapes, (index) => index % this.ctx.worldSize),
    );
  }

  /** This rank's entries of measurements that may be global or local. */
  entries(method: string, y: Measurements): Tensor[] {
    return localEntries(`apply a distributed ${method}`, listed(y), this.numOperators, this.localIndexes);
  }

  /**
   * The key of a result whose shape depends on measurements: known for global ones only. A single operator's list looks
   * global to its owner and local to the others, so nothing is remembered for it.
   */
  measurementKey(method: string, y: Measurements): string {
    const entries = listed(y);
    if (entries.length !== this.numOperators || this.numOperators === 1) return ShapeMemory.UNKNOWN;
    return `${method} ${entries.map((entry) => entry.shape.join("x")).join(" ")}`;
  }

  async #each(f: (physics: P, position: number) => Promise<Tensor>): Promise<Tensor[]> {
    const results: Tensor[] = [];
    for (const [position, physics] of this.localPhysics.entries()) results.push(await f(physics, position));
    return results;
  }
}

/** Measurements as a plain list of tensors. */
export function listed(y: Measurements): readonly Tensor[] {
  return y instanceof Tensor || y instanceof TensorList ? entriesOf(y) : y;
}

/** The key of a result whose shape depends on an image. */
export function imageKey(method: string, x: Tensor): string {
  return `${method} ${x.shape.join("x")}`;
}
