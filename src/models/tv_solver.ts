import { sameShape, type Tensor } from "../tensor/tensor.ts";
import { difference, gradientAdjoint } from "./differences.ts";
import { hasSettled, type PrimalDualSettings, projectOnBall, relaxed, together } from "./over_relaxation.ts";

/** The norm of the discrete gradient, squared, is at most 8; with the relaxation sigma = 1 / (8 tau). */
const GRADIENT_SQNORM = 8;

/** The iteration's primal image and the two components of its dual field. */
type State = readonly [x: Tensor, vertical: Tensor, horizontal: Tensor];

/**
 * argmin_x ||x - y||^2 / 2 + threshold TV(x) with the isotropic total variation
 * TV(x) = sum sqrt((nabla x)_1^2 + (nabla x)_2^2), by an over-relaxed primal-dual iteration (Condat, 2013):
 *
 *     x = (x2 - tau nabla^T u2 + tau y) / (1 + tau)
 *     u = projection of u2 + sigma nabla (2 x - x2) on vectors no longer than the threshold
 *     x2 <- x2 + rho (x - x2),  u2 <- u2 + rho (u - u2)
 *
 * Every call goes on from where the last one ended, if that was for images of the same shape.
 */
export class TVSolver implements Disposable {
  readonly #settings: PrimalDualSettings;
  #state: State | undefined;

  /** With a cold start. */
  constructor(settings: PrimalDualSettings) {
    this.#settings = settings;
  }

  /**
   * Denoises images.
   *
   * @param y (B, C, H, W)
   * @param threshold broadcasts against y
   */
  async solve(y: Tensor, threshold: Tensor): Promise<Tensor> {
    const { nItMax, crit } = this.#settings;
    if (this.#state && !sameShape(this.#state[0].shape, y.shape)) this.reset();
    this.#state ??= [y.clone(), y.mul(0), y.mul(0)];
    for (let k = 1; k <= nItMax; k++) {
      const previous = this.#state;
      using _old = together(...previous);
      this.#state = undefined;
      const state = this.#advance(previous, y, threshold);
      this.#state = state;
      if (k >= 3 && await hasSettled(previous[0], state[0], crit)) break;
    }
    return this.#state![0].clone();
  }

  /** Forgets where the last call ended. */
  reset(): void {
    this.#state?.forEach((tensor) => tensor.dispose());
    this.#state = undefined;
  }

  /** Frees the memory. */
  [Symbol.dispose](): void {
    this.reset();
  }

  #advance(state: State, y: Tensor, threshold: Tensor): State {
    const { tau, rho } = this.#settings;
    const [x2, vertical, horizontal] = state;
    using divergence = gradientAdjoint(vertical, horizontal);
    using descended = x2.addScaled(divergence, -tau);
    using pulled = descended.addScaled(y, tau);
    using x = pulled.mul(1 / (1 + tau));
    using ahead = x.mul(2);
    using extrapolated = ahead.sub(x2);
    const sigma = 1 / (GRADIENT_SQNORM * tau);
    using down = difference(extrapolated, 2, "forward");
    using across = difference(extrapolated, 3, "forward");
    using v1 = vertical.addScaled(down, sigma);
    using v2 = horizontal.addScaled(across, sigma);
    const u = projectOnBall([v1, v2], threshold);
    using _u = together(...u);
    return relaxed(state, [x, ...u], rho) as unknown as State;
  }
}
