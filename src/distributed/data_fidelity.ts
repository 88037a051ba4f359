import { DataFidelity } from "../optim/data_fidelity.ts";
import { isPlainL2, type L2 } from "../optim/l2.ts";
import type { Physics } from "../physics/physics.ts";
import { owned, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";
import { distributedDualProx, distributedL2Prox } from "./fidelity_prox.ts";
import { type GatherOptions, reduceParts, type SumOptions } from "./map_reduce.ts";
import type { Probe } from "./operator_share.ts";
import { DistributedStackedLinearPhysics } from "./stacked_linear_physics.ts";
import { DistributedStackedPhysics } from "./stacked_physics.ts";

type DistributedStack = DistributedStackedPhysics | DistributedStackedLinearPhysics;

/** One fidelity for all operators, or one for each, by number. */
export type FidelityOf = (index: number) => DataFidelity | Promise<DataFidelity>;

/** Options of a distributed data fidelity. */
export interface DistributedFidelityOptions {
  /** Whether the operators' terms are summed (default) or averaged. */
  reduction?: "sum" | "mean";
  /** How many operators the fidelity is for, where it was given one for each; checked against the physics. */
  numOperators?: number;
}

/** What all ranks know of all fidelities. */
interface Kind {
  /** Whether all are plain L2. */
  readonly allL2: boolean;
  /** Whether all have a gradient everywhere. */
  readonly smooth: boolean;
  /** The noise level of all, where all are L2 with the same one. */
  readonly sigma: number | undefined;
}

/** What a rank works with: its part of the measurements and the fidelities for it. */
interface LocalTerms {
  readonly data: readonly Tensor[];
  readonly fidelities: readonly DataFidelity[];
}

/**
 * The fidelity of a distributed stack: fn(x) = sum_i d_i(A_i(x), y_i), or the mean, with each operator's own `fn` and
 * `grad`. A gradient needs one allReduce of an image, a value one of B numbers. y may hold all operators' measurements or
 * this rank's.
 *
 * @example The data term of three operators, wherever they are
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, distribute, DistributedContext, gaussianBlur, L1 } from "@deepinv/distributed";
 * import { L2, PGD, sheppLogan, Tikhonov } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const blurs = [0.6, 0.9, 1.2].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
 * const physics = await distribute(blurs, ctx);
 * const y = await physics.A(sheppLogan(16));
 * const mean = await distribute(new L2(), ctx, { reduction: "mean" }); // one for all operators
 * const each = await distribute([new L2({ sigma: 0.1 }), new L2({ sigma: 0.2 }), new L1()], ctx); // one for each
 * assert(await (await each.fn(sheppLogan(16), y, physics)).item() < 1e-6); // all ranks have the sum
 * const algorithm = new PGD({ dataFidelity: mean, prior: new Tikhonov(), lambda: 1e-3, maxIter: 20 });
 * const { metrics: { cost: [cost] } } = await algorithm.run(y, physics);
 * assert(cost[19] < cost[0]);
 * ```
 */
export class DistributedDataFidelity extends DataFidelity {
  readonly #fidelityOf: FidelityOf;
  readonly #ctx: DistributedContext;
  readonly #options: DistributedFidelityOptions;
  #kind: { readonly numOperators: number; readonly kind: Kind } | undefined;

  /** Made by `distribute`. */
  constructor(fidelityOf: FidelityOf, ctx: DistributedContext, options: DistributedFidelityOptions = {}) {
    super();
    const { reduction = "sum" } = options;
    if (reduction !== "sum" && reduction !== "mean") {
      const requirement = '"sum" or "mean"';
      throw new InvalidArgumentError(
        "distribute a data fidelity",
        "reduction",
        requirement,
        `"${reduction}"`,
      );
    }
    this.#fidelityOf = fidelityOf;
    this.#ctx = ctx;
    this.#options = { ...options, reduction };
  }

  /** sum_i fn_i(x, y_i, A_i), shape (B,); `gather: false` gives this rank's terms. */
  override async fn(
    x: Tensor,
    y: Signal,
    physics: Physics,
    { gather = true }: GatherOptions = {},
  ): Promise<Tensor> {
    const stack = this.#stack(physics);
    const { data, fidelities } = await this.#local(stack, y, gather, (operator) => operator.A(x));
    const terms = await stack.share.each("fn", (operator, _, k) => fidelities[k].fn(x, data[k], operator));
    return await reduceParts(this.#ctx, terms, [x.shape[0]], this.#sumOptions(stack, gather));
  }

  /** sum_i grad_i(x, y_i, A_i), of x's shape; `gather: false` gives this rank's terms. */
  override async grad(
    x: Tensor,
    y: Signal,
    physics: Physics,
    { gather = true }: GatherOptions = {},
  ): Promise<Tensor> {
    const stack = this.#stack(physics);
    const { data, fidelities } = await this.#local(stack, y, gather, async (operator) => {
      using u = await operator.A(x);
      return await operator.A_vjp(x, u);
    });
    const terms = await stack.share.each(
      "grad",
      async (operator, _, k) => owned(await fidelities[k].grad(x, data[k], operator), x),
    );
    return await reduceParts(this.#ctx, terms, x.shape, this.#sumOptions(stack, gather));
  }

  /**
   * argmin_z gamma fn(z) + ||z - x||^2 / 2, of x's shape. Of a single operator: its own fidelity's, computed by its owner.
   * Of L2 fidelities: by conjugate gradients on sum_i A_i^T A_i / sigma_i^2 + I / gamma, one allReduce an iteration. Of
   * others: as `DataFidelity.prox`, the dual variable staying with its operators.
   *
   * @throws {InvalidArgumentError} when the physics is not linear and a fidelity is not smooth
   */
  override async prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor> {
    const stack = this.#stack(physics);
    const { data, fidelities } = await this.#local(stack, y, true, (operator) => operator.A(x));
    const weight = gamma * this.#scale(stack);
    if (stack.numOperators === 1) return await this.#ownersProx(stack, x, { data, fidelities }, weight);
    const kind = await this.#kindOf(stack, fidelities);
    if (!(stack instanceof DistributedStackedLinearPhysics)) {
      if (kind.smooth) return await super.prox(x, y, physics, gamma);
      const action = "compute a distributed prox";
      throw new InvalidArgumentError(action, "physics", "linear", stack.constructor.name);
    }
    if (kind.sigma !== undefined) return await stack.prox_l2(x, y as never, weight / kind.sigma ** 2);
    if (!kind.allL2) {
      return await distributedDualProx(
        stack,
        x,
        weight,
        (v, w, k) => fidelities[k].proxD(v, data[k], w),
      );
    }
    const weights = new Map(
      stack.share.localIndexes.map((index, k) => [index, 1 / (fidelities[k] as L2).sigma ** 2]),
    );
    return await distributedL2Prox(stack, x, data, weight, (index) => weights.get(index)!);
  }

  /** The distance of one measurement, where all operators share one fidelity. */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    return await (await this.#shared("d")).d(u, y);
  }

  /** Its gradient. */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    return await (await this.#shared("gradD")).gradD(u, y);
  }

  /** Its proximal operator. */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    return await (await this.#shared("proxD")).proxD(u, y, gamma);
  }

  async #shared(method: string): Promise<DataFidelity> {
    if (this.#options.numOperators === undefined) return await this.#fidelityOf(0);
    throw new InvalidArgumentError(
      `use ${method} of a distributed data fidelity`,
      "the fidelity",
      "one for all operators",
      "one for each, which needs to know the operator",
    );
  }

  /** A single operator's prox, from the rank that has it. */
  async #ownersProx(
    stack: DistributedStack,
    x: Tensor,
    { data, fidelities }: LocalTerms,
    gamma: number,
  ): Promise<Tensor> {
    const found = await stack.share.each(
      "prox",
      async (operator, _, k) => owned(await fidelities[k].prox(x, data[k], operator, gamma), x),
    );
    if (!this.#ctx.isDistributed) return found[0];
    using own = found[0] ?? Tensor.zeros(x.shape, x);
    return await this.#ctx.broadcast(own, stack.share.owner(0));
  }

  async #local(
    stack: DistributedStack,
    y: Signal,
    gather: boolean,
    probe: Probe<Physics<Tensor>>,
  ): Promise<LocalTerms> {
    const share = stack.share as DistributedStackedPhysics["share"];
    const data = await share.entries("fidelity", y, gather, probe);
    const fidelities: DataFidelity[] = [];
    for (const index of share.localIndexes) fidelities.push(await this.#fidelityOf(index));
    return { data, fidelities };
  }

  /** Learned once: the ranks have to choose the same way to a prox. */
  async #kindOf(stack: DistributedStack, fidelities: readonly DataFidelity[]): Promise<Kind> {
    const { numOperators } = stack;
    if (this.#kind?.numOperators !== numOperators) {
      const sigmas = fidelities.map((fidelity) => (isPlainL2(fidelity) ? fidelity.sigma : NaN));
      const allL2 = sigmas.every((sigma) => !Number.isNaN(sigma));
      const smooth = fidelities.every((fidelity) => fidelity.smooth);
      const known = sigmas.filter((sigma) => !Number.isNaN(sigma));
      const least = Math.min(Infinity, ...known), negative = Math.min(Infinity, ...known.map((s) => -s));
      const facts = Float64Array.of(Number(allL2), Number(smooth), least, negative);
      const [l2, soft, smallest, minusLargest] = await this.#ctx.allReduce(facts, { op: "min" });
      const sigma = l2 === 1 && smallest === -minusLargest ? smallest : undefined;
      this.#kind = { numOperators, kind: { allL2: l2 === 1, smooth: soft === 1, sigma } };
    }
    return this.#kind.kind;
  }

  #stack(physics: Physics): DistributedStack {
    const action = "use a distributed data fidelity";
    const distributed = physics instanceof DistributedStackedPhysics ||
      physics instanceof DistributedStackedLinearPhysics;
    if (!distributed) {
      const requirement = "distributed too (distribute(physics, ctx))";
      const got = (physics as object | undefined)?.constructor?.name ?? String(physics);
      throw new InvalidArgumentError(action, "physics", requirement, got);
    }
    const { numOperators } = this.#options;
    if (numOperators !== undefined && numOperators !== physics.numOperators) {
      const requirement = `a stack of ${numOperators} operators, one for each fidelity`;
      throw new InvalidArgumentError(action, "physics", requirement, `one of ${physics.numOperators}`);
    }
    return physics;
  }

  #scale(stack: DistributedStack): number {
    return this.#options.reduction === "mean" ? 1 / stack.numOperators : 1;
  }

  #sumOptions(stack: DistributedStack, gather: boolean): SumOptions {
    return { scale: this.#scale(stack), gather, count: stack.numOperators };
  }
}
