import { sameShape, type Tensor } from "../tensor/tensor.ts";
import { gradient, gradientAdjoint } from "./differences.ts";
import { hasSettled, type PrimalDualSettings, projectOnBall, relaxed, together } from "./over_relaxation.ts";

/** The iteration's primal image and the components of its dual field, one for each spatial dimension. */
type State = readonly [x: Tensor, ...field: Tensor[]];

/**
 * argmin_x ||x - y||^2 / 2 + threshold TV(x) with the isotropic total variation
 * TV(x) = sum sqrt((nabla x)_1^2 + (nabla x)_2^2), by an over-relaxed primal-dual iteration (Condat, 2013):
 *
 *     x = (x2 - tau nabla^T u2 + tau y) / (1 + tau)
 *     u = projection of u2 + sigma nabla (2 x - x2) on vectors no longer than the threshold
 *     x2 <- x2 + rho (x - x2),  u2 <- u2 + rho (u - u2)
 *
 * with sigma = 1 / (2^(n + 1) tau) for n spatial dimensions, where the gradient's squared norm is at most 4 n. The
 * anisotropic one, sum |(nabla x)_1| + |(nabla x)_2|, limits every component on its own.
 *
 * Every call goes on from where the last one ended, if that was for images of the same shape.
 */
export class TVSolver implements Disposable {
  readonly #settings: PrimalDualSettings;
  readonly #anisotropic: boolean;
  #state: State | undefined;

  /** With a cold start. */
  constructor(settings: PrimalDualSettings, anisotropic = false) {
    this.#settings = settings;
    this.#anisotropic = anisotropic;
  }

  /**
   * Denoises images.
   *
   * @param y (B, C, H, W) or (B, C, D, H, W)
   * @param threshold broadcasts against y
   */
  async solve(y: Tensor, threshold: Tensor): Promise<Tensor> {
    const { nItMax, crit } = this.#settings;
    if (this.#state && !sameShape(this.#state[0].shape, y.shape)) this.reset();
    this.#state ??= [y.clone(), ...y.shape.slice(2).map(() => y.mul(0))];
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

  /** Where the last call ended, empty at first; the tensors stay the solver's. */
  memory(): readonly Tensor[] {
    return this.#state ?? [];
  }

  /** Goes on from copies of what {@link memory} gave. */
  restore(memory: readonly Tensor[]): void {
    this.reset();
    if (memory.length > 0) this.#state = memory.map((tensor) => tensor.clone()) as unknown as State;
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
    const [x2, ...field] = state;
    using divergence = gradientAdjoint(...field);
    using descended = x2.addScaled(divergence, -tau);
    using pulled = descended.addScaled(y, tau);
    using x = pulled.mul(1 / (1 + tau));
    using ahead = x.mul(2);
    using extrapolated = ahead.sub(x2);
    const sigma = 1 / (2 ** (field.length + 1) * tau);
    const slopes = gradient(extrapolated);
    using _slopes = together(...slopes);
    const v = field.map((component, k) => component.addScaled(slopes[k], sigma));
    using _v = together(...v);
    const u = this.#anisotropic
      ? v.flatMap((component) => projectOnBall([component], threshold))
      : projectOnBall(v, threshold);
    using _u = together(...u);
    return relaxed(state, [x, ...u], rho) as unknown as State;
  }
}
