import type { Tensor } from "../tensor/tensor.ts";
import { difference, differenceAdjoint, gradientAdjoint } from "./differences.ts";
import { hasSettled, type PrimalDualOptions, projectOnBall, relaxed, together } from "./over_relaxation.ts";
import { PrimalDualDenoiser } from "./primal_dual_denoiser.ts";

/** Weights of the first and the second order for a threshold of 1, as in deepinv. */
const FIRST_ORDER = 0.1, SECOND_ORDER = 0.15;

/** Bound of ||epsilon nabla||^2: sigma = 1 / (72 tau). */
const OPERATOR_SQNORM = 72;

/** The Jacobian of the field r by backward differences, entry by entry: which component of r, along which dimension. */
const JACOBIAN = [{ of: 0, dim: 2 }, { of: 0, dim: 3 }, { of: 1, dim: 3 }, { of: 1, dim: 2 }] as const;

/** x, r (2 components), u (4 components). */
type State = readonly Tensor[];

/**
 * The proximal operator of the second-order total generalised variation (Bredies, Kunisch and Pock, 2010), which keeps
 * ramps where the total variation makes stairs:
 * argmin_x min_r ||x - y||^2 / 2 + 0.1 threshold ||r||_{1,2} + 0.15 threshold ||J(nabla x - r)||_{1,F}.
 * Every call starts cold.
 *
 * @example Ramps stay ramps
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor, TGVDenoiser, TVDenoiser } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const ramp = Tensor.arange(0, 16).div(4).reshape([1, 1, 1, 16]).expand([1, 1, 4, 16]);
 * const options = { tau: 0.1, nItMax: 40 }; // as TVDenoiser's
 * using smooth = await new TGVDenoiser(options).forward(ramp, 3);
 * using stairs = await new TVDenoiser(options).forward(ramp, 0.3); // the same weight of the first order
 * assert(await smooth.sub(ramp).abs().max().item() < 0.05);
 * assert(await stairs.sub(ramp).abs().max().item() > 0.2); // the total variation flattens both ends
 * ```
 */
export class TGVDenoiser extends PrimalDualDenoiser {
  /**
   * Sets how the iteration runs.
   *
   * @throws {InvalidArgumentError} for values out of range
   */
  constructor(options: PrimalDualOptions = {}) {
    super("TGVDenoiser", options);
  }

  /** The iteration on x, r and u, one after the other. */
  protected override async solve(y: Tensor, weight: Tensor): Promise<Tensor> {
    const { nItMax, crit } = this.settings;
    let state: State = [y.clone(), ...Array.from({ length: 6 }, () => y.mul(0))];
    try {
      for (let k = 1; k <= nItMax; k++) {
        using _old = together(...state);
        const previous = state[0];
        state = this.#advance(state, y, weight);
        if (k >= 3 && await hasSettled(previous, state[0], crit)) break;
      }
      return state[0].clone();
    } finally {
      state.forEach((tensor) => tensor.dispose());
    }
  }

  #advance(state: State, y: Tensor, weight: Tensor): State {
    const { tau, rho } = this.settings;
    const [x2, r1, r2, ...u2] = state;
    using radius = weight.mul(tau * FIRST_ORDER);
    using bound = weight.mul(SECOND_ORDER);
    const [t1, t2] = jacobianAdjoint(u2, tau);
    using _t = together(t1, t2);
    using divergence = gradientAdjoint(t1, t2);
    using descended = x2.sub(divergence);
    using pulled = descended.addScaled(y, tau);
    using x = pulled.mul(1 / (1 + tau));

    using s1 = r1.add(t1);
    using s2 = r2.add(t2);
    const inside = projectOnBall([s1, s2], radius);
    using _inside = together(...inside);
    using q1 = s1.sub(inside[0]);
    using q2 = s2.sub(inside[1]);

    using ahead = x.mul(2);
    using extrapolated = ahead.sub(x2);
    using e1 = gap(extrapolated, 2, q1, r1);
    using e2 = gap(extrapolated, 3, q2, r2);
    const sigma = 1 / (OPERATOR_SQNORM * tau);
    const v = u2.map((old, k) => {
      const { of, dim } = JACOBIAN[k];
      using slope = difference(of === 0 ? e1 : e2, dim, "backward");
      return old.addScaled(slope, sigma);
    });
    using _v = together(...v);
    const u = projectOnBall(v, bound);
    using _u = together(...u);
    return relaxed(state, [x, q1, q2, ...u], rho);
  }
}

/** One component of nabla x - (2 r - r2). */
function gap(x: Tensor, dim: number, r: Tensor, r2: Tensor): Tensor {
  using slope = difference(x, dim, "forward");
  using nearer = slope.addScaled(r, -2);
  return nearer.add(r2);
}

/** tau J^T u: two components from four. */
function jacobianAdjoint(u: readonly Tensor[], tau: number): [Tensor, Tensor] {
  const component = (of: number) => {
    const [a, b] = JACOBIAN.map((entry, k) => ({ ...entry, k })).filter((entry) => entry.of === of);
    using first = differenceAdjoint(u[a.k], a.dim, "backward");
    using second = differenceAdjoint(u[b.k], b.dim, "backward");
    using sum = first.add(second);
    return sum.mul(tau);
  };
  return [component(0), component(1)];
}
