import { DataFidelity } from "../optim/data_fidelity.ts";
import { L2 } from "../optim/l2.ts";
import { conjugateGradient } from "../physics/conjugate_gradient.ts";
import type { Physics } from "../physics/physics.ts";
import { entriesOf, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";
import { type GatherOptions, localEntries, reduceParts, sumOf } from "./map_reduce.ts";
import { DistributedStackedLinearPhysics } from "./stacked_linear_physics.ts";
import { DistributedStackedPhysics } from "./stacked_physics.ts";

type DistributedStack = DistributedStackedPhysics | DistributedStackedLinearPhysics;

/** One fidelity for all operators, or one for each, by number. */
export type FidelityOf = (index: number) => DataFidelity;

/** Options of a distributed data fidelity. */
export interface DistributedFidelityOptions {
  /** Whether the operators' terms are summed (default) or averaged. */
  reduction?: "sum" | "mean";
  /** How many operators the fidelity is for, where it was given one for each; checked against the physics. */
  numOperators?: number;
}

/**
 * The fidelity of a distributed stack: fn(x) = sum_i d_i(A_i(x), y_i), whose gradient sum_i J_{A_i}(x)^T grad d_i needs
 * one allReduce. y may hold all operators' measurements or this rank's.
 */
export class DistributedDataFidelity extends DataFidelity {
  readonly #fidelityOf: FidelityOf;
  readonly #ctx: DistributedContext;
  readonly #options: DistributedFidelityOptions;

  /** Made by `distribute`. */
  constructor(fidelityOf: FidelityOf, ctx: DistributedContext, options: DistributedFidelityOptions = {}) {
    super();
    const { reduction = "sum" } = options;
    if (reduction !== "sum" && reduction !== "mean") {
      throw new InvalidArgumentError(
        "distribute a data fidelity",
        "reduction",
        '"sum" or "mean"',
        `"${reduction}"`,
      );
    }
    this.#fidelityOf = fidelityOf;
    this.#ctx = ctx;
    this.#options = { ...options, reduction };
  }

  /** sum_i d_i(A_i(x), y_i), shape (B,); `gather: false` gives this rank's terms. */
  override async fn(
    x: Tensor,
    y: Signal,
    physics: Physics,
    { gather = true }: GatherOptions = {},
  ): Promise<Tensor> {
    const stack = this.#stack(physics);
    const terms = await this.#overLocal(stack, y, async (operator, fidelity, data) => {
      using u = await operator.A(x);
      return await fidelity.d(u, data);
    });
    return await reduceParts(this.#ctx, sumOf(terms), [x.shape[0]], { scale: this.#scale(stack), gather });
  }

  /** sum_i J_{A_i}(x)^T grad d_i(A_i(x), y_i), of x's shape; `gather: false` gives this rank's terms. */
  override async grad(
    x: Tensor,
    y: Signal,
    physics: Physics,
    { gather = true }: GatherOptions = {},
  ): Promise<Tensor> {
    const stack = this.#stack(physics);
    const terms = await this.#overLocal(stack, y, async (operator, fidelity, data) => {
      using u = await operator.A(x);
      using v = await fidelity.gradD(u, data);
      return await operator.A_vjp(x, v);
    });
    return await reduceParts(this.#ctx, sumOf(terms), x.shape, { scale: this.#scale(stack), gather });
  }

  /**
   * argmin_z gamma fn(z) + ||z - x||^2 / 2 for L2 fidelities, by conjugate gradients on
   * sum_i A_i^T A_i / sigma_i^2 + I / gamma, one allReduce an iteration.
   *
   * @throws {InvalidArgumentError} when a fidelity is not L2 or the physics is not linear
   */
  override async prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor> {
    const stack = this.#stack(physics);
    if (!(stack instanceof DistributedStackedLinearPhysics)) {
      throw new InvalidArgumentError(
        "compute a distributed prox",
        "physics",
        "linear",
        stack.constructor.name,
      );
    }
    const options = { scale: this.#scale(stack), gather: true };
    const weighted = async (
      f: (operator: Physics<Tensor>, data: Tensor) => Promise<Tensor>,
    ): Promise<Tensor> => {
      const terms = await this.#overLocal(stack, y, async (operator, fidelity, data) => {
        if (!(fidelity instanceof L2)) {
          throw new InvalidArgumentError(
            "compute a distributed prox",
            "every fidelity",
            "L2",
            fidelity.constructor.name,
          );
        }
        using term = await f(operator, data);
        return term.mul(1 / fidelity.sigma ** 2);
      });
      return await reduceParts(this.#ctx, sumOf(terms), x.shape, options);
    };
    using backprojection = await weighted((operator, data) => operator.A_vjp(x, data));
    using right = backprojection.addScaled(x, 1 / gamma);
    const normal = async (z: Tensor): Promise<Tensor> => {
      using data = await weighted(async (operator) => {
        using u = await operator.A(z);
        return await operator.A_vjp(z, u);
      });
      return data.addScaled(z, 1 / gamma);
    };
    return await conjugateGradient(normal, right, { init: x, maxIter: 50, tol: 1e-4 });
  }

  /** The distance of one measurement, where all operators share one fidelity. */
  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    return await this.#shared("d").d(u, y);
  }

  /** Its gradient. */
  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    return await this.#shared("gradD").gradD(u, y);
  }

  /** Its proximal operator. */
  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    return await this.#shared("proxD").proxD(u, y, gamma);
  }

  #shared(method: string): DataFidelity {
    if (this.#options.numOperators === undefined) return this.#fidelityOf(0);
    throw new InvalidArgumentError(
      `use ${method} of a distributed data fidelity`,
      "the fidelity",
      "one for all operators",
      "one for each, which needs to know the operator",
    );
  }

  #overLocal(
    stack: DistributedStack,
    y: Signal,
    f: (operator: Physics<Tensor>, fidelity: DataFidelity, data: Tensor) => Promise<Tensor>,
  ): Promise<Tensor[]> {
    const data = localEntries("compare measurements", entriesOf(y), stack.numOperators, stack.localIndexes);
    return this.#ctx.measure("operators", async () => {
      const terms: Tensor[] = [];
      for (const [k, operator] of stack.localPhysics.entries()) {
        terms.push(await f(operator, this.#fidelityOf(stack.localIndexes[k]), data[k]));
      }
      return terms;
    });
  }

  #stack(physics: Physics): DistributedStack {
    if (
      !(physics instanceof DistributedStackedPhysics) && !(physics instanceof DistributedStackedLinearPhysics)
    ) {
      throw new InvalidArgumentError(
        "use a distributed data fidelity",
        "physics",
        "distributed too (distribute(physics, ctx))",
        physics?.constructor?.name ?? String(physics),
      );
    }
    const { numOperators } = this.#options;
    if (numOperators !== undefined && numOperators !== physics.numOperators) {
      throw new InvalidArgumentError(
        "use a distributed data fidelity",
        "physics",
        `a stack of ${numOperators} operators, one for each fidelity`,
        formatShape([physics.numOperators]),
      );
    }
    return physics;
  }

  #scale(stack: DistributedStack): number {
    return this.#options.reduction === "mean" ? 1 / stack.numOperators : 1;
  }
}
