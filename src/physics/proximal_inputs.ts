import { perItem } from "../tensor/signal.ts";
import { sameShape, Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

const ACTION = "compute prox_l2";

/** Where a proximal operator is evaluated: an image, a number for a constant one, or `null` for zeros. */
export type ProximalPoint = Tensor | number | null;

/**
 * The point as an image of its own.
 *
 * @throws {InvalidArgumentError} when it is an image of another shape
 */
export function proximalPoint(z: ProximalPoint, shape: readonly number[], options: TensorOptions): Tensor {
  if (!(z instanceof Tensor)) return Tensor.full(shape, z ?? 0, options);
  if (sameShape(z.shape, shape)) return z.clone();
  throw new InvalidArgumentError(ACTION, "z", `of shape ${formatShape(shape)}`, formatShape(z.shape));
}

/**
 * Refuses what is neither a number > 0 nor a tensor.
 *
 * @throws {InvalidArgumentError} naming gamma
 */
export function requireWeight(action: string, gamma: unknown): asserts gamma is number | Tensor {
  if (gamma instanceof Tensor || (typeof gamma === "number" && gamma > 0)) return;
  throw new InvalidArgumentError(action, "gamma", "> 0, a number or a tensor", String(gamma));
}

/**
 * gamma, shaped to broadcast against images.
 *
 * @throws {InvalidArgumentError} when it is a number that is not positive, or has not one value per item
 */
export function proximalWeight(gamma: number | Tensor, like: Tensor): Tensor {
  requireWeight(ACTION, gamma);
  using strength = typeof gamma === "number" ? Tensor.full([1], gamma, like) : gamma.clone();
  return perItem(strength, like, ACTION, "gamma");
}
