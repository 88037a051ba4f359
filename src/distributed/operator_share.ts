import type { NoiseModel } from "../physics/noise_model.ts";
import { assertFinite, type Physics, splitSeed } from "../physics/physics.ts";
import { namesOf, updateEach, versionOf } from "../physics/updatable.ts";
import { collect, entriesOf, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { allOrNone } from "./agreement.ts";
import { Assignment } from "./assignment.ts";
import type { DistributedContext } from "./context.ts";
import {
  checkReduceOp,
  gatherTensors,
  localEntries,
  type MapReduceOptions,
  reduceParts,
  summed,
} from "./map_reduce.ts";
import { type OperatorPlacement, operatorsOf, type OperatorSource } from "./operator_source.ts";
import { ShapeMemory } from "./shape_memory.ts";

/** Measurements given to a distributed operator: all operators' (a TensorList or an array), or this rank's alone. */
export type Measurements = Signal | readonly Tensor[];

/** What is done with an operator, given its number in the stack and its position on this rank. */
export type OnOperator<P, T = Tensor> = (operator: P, index: number, position: number) => Promise<T>;

/** A call of an operator that shows what it costs. */
export type Probe<P> = (operator: P, index: number) => Promise<Disposable>;

/**
 * One rank's share of a stack of operators, and how the shares' results become one.
 *
 * @example A sum over all operators that no method gives: that of their pseudo-inverses, weighted
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, distribute, DistributedContext, gaussianBlur, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const blurs = [0.5, 0.6].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
 * const { share } = await distribute(blurs, ctx);
 * const x = Tensor.ones([1, 1, 16, 16]);
 * const weighted = await share.mapReduce("weighted", "weighted 16", async (blur, index) => {
 *   using y = await blur.A(x); // run for this rank's operators, by their numbers in the stack
 *   return y.mul(index + 1);
 * }, { reduceOp: "sum" }) as Tensor;
 * assert(Math.abs(await weighted.mean().item() - 3) < 1e-5); // (1 + 2) times an image of ones, on every rank
 * assert.deepEqual(share.localIndexes, ctx.localIndices(share.numOperators));
 * ```
 */
export class OperatorShare<P extends Physics<Tensor> = Physics<Tensor>> {
  /** Connects the ranks. */
  readonly ctx: DistributedContext;
  readonly #source: OperatorSource<P>;
  /** What this rank knows of the parameters of all ranks' operators. */
  readonly #names: Set<string>;
  readonly #shapes: ShapeMemory;
  #assignment: Assignment;
  #local: readonly P[];
  /** Whether the operators are to be measured and shared anew at the next call that all ranks take part in. */
  #measures: boolean;
  /** Whether something of this rank's share was seen or changed, so that it has to stay as it is. */
  #fixed = false;

  /** Made by `distribute`. */
  constructor(ctx: DistributedContext, source: OperatorSource<P>, placement: OperatorPlacement<P>) {
    this.ctx = ctx;
    this.#names = new Set(placement.parameterNames);
    this.#source = source;
    this.#assignment = placement.assignment;
    this.#local = placement.local;
    this.#measures = placement.measures;
    this.#shapes = new ShapeMemory(ctx);
  }

  /** Number of operators of the whole stack. */
  get numOperators(): number {
    return this.#source.count;
  }

  /** The names that `update` of at least one operator knows, on any rank. */
  get parameterNames(): readonly string[] {
    return [...new Set([...this.#names, ...namesOf(this.#local)])];
  }

  /** The sum of the versions of this rank's operators. */
  get version(): number {
    return versionOf(this.#local);
  }

  /** The numbers of this rank's operators, ascending. From now on they stay the same. */
  get localIndexes(): readonly number[] {
    this.#fixed = true;
    return this.#assignment.itemsOf(this.ctx.rank);
  }

  /** This rank's operators, in the order of their numbers. From now on they stay the same. */
  get localPhysics(): readonly P[] {
    this.#fixed = true;
    return this.#local;
  }

  /** The rank that has operator i. */
  owner(index: number): number {
    return this.#assignment.owner(index);
  }

  /**
   * Operator i, counted from the end when negative.
   *
   * @throws {InvalidArgumentError} outside the stack, and on ranks that do not have it
   */
  get(i: number): P {
    const index = this.#indexOf(i);
    const position = this.localIndexes.indexOf(index);
    if (position >= 0) return this.#local[position];
    throw new InvalidArgumentError(
      "get an operator",
      "the index",
      `one of this rank's operators (${this.localIndexes.join(", ") || "none"})`,
      `${i}, which rank ${this.#assignment.owner(index)} has`,
    );
  }

  /** Replaces parameters of every operator, or its noise model, that knows them. */
  update(parameters: object): void {
    this.#shapes.forget();
    updateEach(this.localPhysics, parameters);
  }

  /** Replaces the noise of one operator, or of all: then each draws from a stream of its own. */
  setNoiseModel(noise: NoiseModel | null, item?: number): void {
    const only = item === undefined ? undefined : this.#indexOf(item);
    noise?.parameterNames.forEach((name) => this.#names.add(name));
    this.localIndexes.forEach((index, position) => {
      if (only === undefined) this.#local[position].setNoiseModel(noise && noise.fork(index + 1));
      else if (only === index) this.#local[position].setNoiseModel(noise);
    });
  }

  /** A_i(x) */
  async A(x: Tensor, options: MapReduceOptions): Promise<Tensor | TensorList> {
    await this.settle(options.gather, (operator) => operator.A(x));
    return await this.mapReduce("A", imageKey("A", x), (operator) => operator.A(x), {
      reduceOp: null,
      ...options,
    });
  }

  /** sensor_i(noise_i(A_i(x))), drawn by the rank that has operator i; with `seed`, operator i draws with seed + i. */
  async forward(x: Tensor, options: MapReduceOptions & object): Promise<Tensor | TensorList> {
    const { gather, reduceOp = null, ...parameters } = options;
    const { draw: { seed }, rest } = splitSeed(parameters);
    if (Object.keys(rest).length > 0) this.update(rest);
    await assertFinite("measure an image", "x", x);
    await this.settle(gather, (operator) => operator.A(x));
    const measure: OnOperator<P> = (operator, index) =>
      operator.forward(x, seed === undefined ? {} : { seed: seed + index });
    return await this.mapReduce("forward", imageKey("A", x), measure, { gather, reduceOp });
  }

  /** J_{A_i}(x)^T v_i */
  async A_vjp(x: Tensor, v: Measurements, options: MapReduceOptions): Promise<Tensor | TensorList> {
    const own = await this.entries("A_vjp", v, options.gather, (operator) => operator.A(x));
    const apply: OnOperator<P> = (operator, _, k) => operator.A_vjp(x, own[k]);
    return await this.mapReduce(
      "A_vjp",
      imageKey("A_vjp", x),
      apply,
      summed(options),
      x.shape,
    );
  }

  /**
   * f of every local operator, as a list of all operators' results or reduced.
   *
   * @param method names the work in `stats` and timelines
   * @param key stands for everything that the results' shapes depend on, the same text on every rank
   * @param shape of every result, where it is known beforehand
   */
  async mapReduce(
    method: string,
    key: string,
    f: OnOperator<P>,
    { gather = true, reduceOp = null }: MapReduceOptions,
    shape?: readonly number[],
  ): Promise<Tensor | TensorList> {
    checkReduceOp(reduceOp);
    const { ctx } = this;
    const own = await this.each(method, f);
    if (reduceOp !== null) {
      const extents = shape ?? await this.#shapes.ofSum(key, own.at(0)?.shape, this.#assignment);
      const scale = reduceOp === "mean" ? 1 / this.numOperators : 1;
      return await reduceParts(ctx, own, extents, { scale, gather, count: this.numOperators });
    }
    const list = TensorList.from(own);
    if (!gather || !ctx.isDistributed) return list;
    using _list = list;
    const shapesOf = (anew: boolean) => this.#shapes.ofAll(key, list.shape, this.#assignment, anew);
    const indexes = this.#assignment.itemsOf(ctx.rank);
    const pairs = own.map((tensor, position) => [indexes[position], tensor] as const);
    return TensorList.from(
      await gatherTensors(ctx, pairs, shapesOf, (index) => this.#assignment.owner(index)),
    );
  }

  /** f of every local operator, one after the other. */
  each(method: string, f: OnOperator<P>): Promise<Tensor[]> {
    const indexes = this.#assignment.itemsOf(this.ctx.rank);
    return this.ctx.measure("operators", () =>
      collect(this.#local, (operator, position) => {
        const index = indexes[position];
        const name = `${index} ${operator.constructor.name}.${method}`;
        return this.ctx.span("operators", name, () => f(operator, index, position));
      }));
  }

  /**
   * This rank's entries of measurements that may be global or local, once the share is settled.
   *
   * @param probe a call whose time shows an operator's cost
   */
  async entries(
    method: string,
    y: Measurements,
    gather: boolean | undefined,
    probe: Probe<P>,
  ): Promise<Tensor[]> {
    if (listed(y).length !== this.numOperators) this.#fixed = true;
    await this.settle(gather, probe);
    const indexes = this.#assignment.itemsOf(this.ctx.rank);
    return localEntries(`apply a distributed ${method}`, listed(y), this.numOperators, indexes);
  }

  /**
   * Shares the operators anew by measured costs, where this is still to be done: once, at the first call that all ranks
   * take part in, and only if no rank has shown its share before.
   *
   * @param gather whether all ranks take part; by default they do
   * @param probe a call whose time shows an operator's cost
   */
  async settle(gather = true, probe: Probe<P>): Promise<void> {
    if (!this.#measures) return;
    if (!gather) {
      this.#fixed = true;
      return;
    }
    this.#measures = false;
    const { reports: everyone } = await allOrNone(
      this.ctx,
      "measure operators",
      () => this.#fixed ? null : this.#timesOf(probe),
      (times) => times,
    );
    const known = everyone.filter((list) => list !== null);
    if (known.length < everyone.length) return;
    const before = { assignment: this.#assignment, local: this.#local };
    const assignment = Assignment.balanced(before.assignment.inOrder(known), this.ctx.ranks.map(() => 1));
    const { result: local } = await allOrNone(
      this.ctx,
      "share operators anew",
      () => operatorsOf(this.#source, assignment, this.ctx.rank, before),
      () => null,
    );
    this.#local = local;
    this.#assignment = assignment;
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

  /** The quicker of two calls of each local operator, in milliseconds. */
  async #timesOf(probe: Probe<P>): Promise<number[]> {
    const times: number[] = [];
    for (const [position, index] of this.#assignment.itemsOf(this.ctx.rank).entries()) {
      let least = Infinity;
      for (let round = 0; round < 2; round++) {
        const begin = performance.now();
        using _result = await probe(this.#local[position], index);
        await this.ctx.device.synchronize();
        least = Math.min(least, performance.now() - begin);
      }
      times.push(least);
    }
    return times;
  }

  #indexOf(i: number): number {
    const index = i < 0 ? i + this.numOperators : i;
    if (Number.isInteger(index) && index >= 0 && index < this.numOperators) return index;
    const range = `in [${-this.numOperators}, ${this.numOperators - 1}]`;
    throw new InvalidArgumentError("get an operator", "the index", range, String(i));
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
