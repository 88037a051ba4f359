import { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** How an over-relaxed primal-dual iteration (Condat, 2013) runs. */
export interface PrimalDualOptions {
  /** Primal stepsize, > 0; default 0.01. */
  tau?: number;
  /** Relaxation in (0, 2); default 1.99. */
  rho?: number;
  /** Most iterations; default 1000. */
  nItMax?: number;
  /** Stops once the image's relative change is below it, from the third iteration on; default 1e-5. */
  crit?: number;
}

/** The options with their defaults. */
export type PrimalDualSettings = Readonly<Required<PrimalDualOptions>>;

/**
 * Fills in and checks the options.
 *
 * @throws {InvalidArgumentError} for values out of range
 */
export function primalDualSettings(owner: string, options: PrimalDualOptions): PrimalDualSettings {
  const { tau = 0.01, rho = 1.99, nItMax = 1000, crit = 1e-5 } = options;
  const action = `build ${owner}`;
  const refuse = (name: string, requirement: string, got: number) => {
    throw new InvalidArgumentError(action, name, requirement, String(got));
  };
  if (!(tau > 0 && tau < Infinity)) refuse("tau", "finite and > 0", tau);
  if (!(rho > 0 && rho < 2)) refuse("rho", "in (0, 2)", rho);
  if (!Number.isInteger(nItMax) || nItMax < 1) refuse("nItMax", "a whole number >= 1", nItMax);
  if (!(crit >= 0)) refuse("crit", "a number >= 0", crit);
  return { tau, rho, nItMax, crit };
}

/** The smallest length that a projection divides by. */
const TINY = 1e-30;

/**
 * Projects the vectors whose components are given, at every place, on the ball of a radius, with
 * u = v radius / max(|v|, radius).
 *
 * @param radius >= 0: one value, or a tensor that broadcasts
 */
export function projectOnBall(components: readonly Tensor[], radius: number | Tensor): Tensor[] {
  using limit = radius instanceof Tensor ? radius.clone() : Tensor.full([], radius, components[0]);
  using length = lengthOf(components);
  using longest = length.maximum(limit);
  using divisor = longest.maximum(TINY);
  using factor = limit.div(divisor);
  return components.map((component) => component.mul(factor));
}

/** The Euclidean length at every place. */
export function lengthOf(components: readonly Tensor[]): Tensor {
  let total = components[0].square();
  for (const component of components.slice(1)) {
    using previous = total;
    using squares = component.square();
    total = previous.add(squares);
  }
  using squares = total;
  return squares.sqrt();
}

/** previous + rho (next - previous) for every pair. */
export function relaxed(previous: readonly Tensor[], next: readonly Tensor[], rho: number): Tensor[] {
  return previous.map((old, k) => {
    using kept = old.mul(1 - rho);
    return kept.addScaled(next[k], rho);
  });
}

/** Disposes all of them, for `using`. */
export function together(...tensors: readonly Tensor[]): Disposable {
  return { [Symbol.dispose]: () => tensors.forEach((tensor) => tensor.dispose()) };
}

/** Whether ||next - previous|| < crit ||next||, over all values. */
export async function hasSettled(previous: Tensor, next: Tensor, crit: number): Promise<boolean> {
  using difference = next.sub(previous);
  using change = difference.norm();
  using size = next.norm();
  using both = Tensor.stack([change, size]);
  const [moved, length] = await both.data();
  return moved < crit * length;
}
