import type { Physics } from "../physics/physics.ts";
import { entriesOf, mapEntries, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { BaseOptim } from "./base_optim.ts";
import { L2 } from "./l2.ts";
import { onesLike, requireLinear } from "./expectation_maximisation.ts";
import type { OptimOptions, StepParameters } from "./run_types.ts";

/** The smallest value that is divided by. */
const FLOOR = 1e-8;

/** The state of {@link SIRT}: the image, the operator's row sums A 1 and its column sums A^T 1, at least 1e-8. */
export type SIRTState = { readonly x: Tensor; readonly rows: Signal; readonly columns: Tensor };

/**
 * The simultaneous iterative reconstruction technique (Gilbert, 1972) for non-negative operators:
 * x <- x + tau A^T((y - A x) / max(A 1, 1e-8)) / max(A^T 1, 1e-8). The fidelity, by default {@link L2}, and the prior are
 * for the cost only.
 *
 * @example Sparse-view tomography
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, sheppLogan, SIRT, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const physics = new Tomography({ angles: 12, imgWidth: 16 });
 * const image = sheppLogan(16);
 * const y = await physics.A(image);
 * const { metrics } = await new SIRT({ stepsize: 1.5, maxIter: 20 }).run(y, physics, { xGt: image });
 * const [cost] = metrics.cost, [psnr] = metrics.psnr;
 * assert(cost[19] < 0.1 * cost[0]);
 * assert(psnr[20] > psnr[0] + 5);
 * ```
 */
export class SIRT extends BaseOptim<SIRTState> {
  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: Partial<OptimOptions> = {}) {
    super({ ...options, dataFidelity: options.dataFidelity ?? new L2() });
  }

  /** With the operator's row and column sums. */
  protected override async begin(x: Tensor, y: Signal, physics: Physics): Promise<SIRTState> {
    const linear = requireLinear("SIRT", physics);
    using flat = Tensor.ones(x.shape, x);
    using sums: Signal = await linear.A(flat);
    using ones = await onesLike(y);
    using back = await linear.A_adjoint(ones);
    const rows = await mapEntries<Signal>(sums, (entry) => Promise.resolve(entry.maximum(FLOOR)));
    return { x, rows, columns: back.maximum(FLOOR) };
  }

  /** One iteration. */
  protected override async step(state: SIRTState, parameters: StepParameters): Promise<SIRTState> {
    const { x, rows, columns } = state;
    const { y, stepsize } = parameters;
    const physics = requireLinear("SIRT", parameters.physics);
    using predicted: Signal = await physics.A(x);
    const data = entriesOf(y), sums = entriesOf(rows);
    using residual = await mapEntries<Signal>(predicted, (entry, i) => {
      using gap = data[i].sub(entry);
      return Promise.resolve(gap.div(sums[i]));
    });
    using back = await physics.A_adjoint(residual);
    using correction = back.div(columns);
    const shared = await mapEntries<Signal>(rows, (entry) => Promise.resolve(entry.reshape(entry.shape)));
    return { x: x.addScaled(correction, stepsize), rows: shared, columns: columns.reshape(columns.shape) };
  }
}
