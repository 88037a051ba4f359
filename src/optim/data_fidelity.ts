import { Physics } from "../physics/physics.ts";
import { entriesOf, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/**
 * How far an image's measurements are from the data: fn(x) = d(A(x), y). A subclass gives the distance d of one
 * measurement tensor; for a stack of operators the distances of all entries are summed.
 */
export abstract class DataFidelity {
  /** d(u, y): one value per batch item, shape (B,). */
  abstract d(u: Tensor, y: Tensor): Promise<Tensor>;

  /** The gradient of d in u, of u's shape. */
  abstract gradD(u: Tensor, y: Tensor): Promise<Tensor>;

  /** argmin_v gamma d(v, y) + ||v - u||^2 / 2, of u's shape. */
  abstract proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor>;

  /** argmin_z gamma fn(z) + ||z - x||^2 / 2 */
  abstract prox(x: Tensor, y: Signal, physics: Physics, gamma: number): Promise<Tensor>;

  /** d(A(x), y), shape (B,) */
  async fn(x: Tensor, y: Signal, physics: Physics): Promise<Tensor> {
    using u = await physics.A(x);
    const data = entriesOf(y);
    let total: Tensor | undefined;
    for (const [i, entry] of entriesOf(u).entries()) {
      const distance = await this.d(entry, entryAt(data, i));
      if (!total) total = distance;
      else {
        using previous = total;
        using next = distance;
        total = previous.add(next);
      }
    }
    return total ?? Tensor.zeros([x.shape[0]], x);
  }

  /** J_A(x)^T grad d(A(x), y), of x's shape */
  async grad(x: Tensor, y: Signal, physics: Physics): Promise<Tensor> {
    using u = await physics.A(x);
    const data = entriesOf(y);
    const gradients: Tensor[] = [];
    for (const [i, entry] of entriesOf(u).entries()) {
      gradients.push(await this.gradD(entry, entryAt(data, i)));
    }
    using v: Signal = u instanceof Tensor ? gradients[0] : TensorList.from(gradients);
    return await physics.A_vjp(x, v);
  }
}

function entryAt(data: readonly Tensor[], i: number): Tensor {
  if (i >= data.length) {
    throw new InvalidArgumentError("compare measurements", "y", "as long as A(x)", `length ${data.length}`);
  }
  return data[i];
}
