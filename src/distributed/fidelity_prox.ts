import { dualProx } from "../optim/dual_prox.ts";
import { weightedL2Prox } from "../optim/weighted_l2_prox.ts";
import { LinearPhysics } from "../physics/linear_physics.ts";
import { entriesOf, mapEntries, type Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { TensorList } from "../tensor/tensor_list.ts";
import type { OnOperator } from "./operator_share.ts";
import type { DistributedStackedLinearPhysics } from "./stacked_linear_physics.ts";

type Operator = LinearPhysics<Tensor>;

/**
 * argmin_z gamma sum_i w_i ||A_i z - y_i||^2 / 2 + ||z - x||^2 / 2 as {@link weightedL2Prox} finds it; one allReduce an
 * iteration.
 *
 * @param data this rank's measurements
 * @param weightOf w_i by the operator's number
 */
export async function distributedL2Prox(
  physics: DistributedStackedLinearPhysics,
  x: Tensor,
  data: readonly Tensor[],
  gamma: number,
  weightOf: (index: number) => number,
): Promise<Tensor> {
  const weighted = async (method: string, f: OnOperator<Operator>): Promise<Tensor> => {
    const apply: OnOperator<Operator> = async (operator, index, position) => {
      using term = await f(operator, index, position);
      return term.mul(weightOf(index));
    };
    return await physics.share.mapReduce(method, method, apply, { reduceOp: "sum" }, x.shape) as Tensor;
  };
  return await weightedL2Prox(x, gamma, {
    normal: (z) => weighted("A_adjoint_A", (operator) => operator.A_adjoint_A(z)),
    backprojection: () => weighted("A_adjoint", (operator, _, k) => operator.A_adjoint(data[k])),
  });
}

/**
 * argmin_z gamma sum_i d_i(A_i z) + ||z - x||^2 / 2 as `DataFidelity.prox` finds it, with each rank's part of the dual
 * variable where its operators are: an iteration takes one allReduce of an image and one of two numbers.
 *
 * @param proxD (v, weight, position) -> prox_{weight d_i}(v) of a local operator
 */
export async function distributedDualProx(
  physics: DistributedStackedLinearPhysics,
  x: Tensor,
  gamma: number,
  proxD: (v: Tensor, weight: number, position: number) => Promise<Tensor>,
): Promise<Tensor> {
  const { ctx } = physics.share;
  return await dualProx(
    x,
    new LocalPart(physics, x.shape),
    gamma,
    (v, weight) => mapEntries<Signal>(v, (entry, position) => proxD(entry, weight, position)),
    (values) => ctx.allReduce(values, { op: "sum" }),
  );
}

/** A distributed stack as one rank sees it: measurements are this rank's only, images are whole. */
class LocalPart extends LinearPhysics<TensorList> {
  constructor(
    private readonly physics: DistributedStackedLinearPhysics,
    private readonly imageShape: readonly number[],
  ) {
    super();
  }

  override A(x: Tensor): Promise<TensorList> {
    return this.physics.A(x, { gather: false });
  }

  override async A_adjoint(y: TensorList): Promise<Tensor> {
    const own = entriesOf(y);
    const apply: OnOperator<Operator> = (operator, _, position) => operator.A_adjoint(own[position]);
    const settings = { reduceOp: "sum" } as const;
    return await this.physics.share.mapReduce("A_adjoint", "", apply, settings, this.imageShape) as Tensor;
  }

  override knownSqnorm(x0: Tensor): Promise<number> {
    return this.physics.knownSqnorm(x0);
  }
}
