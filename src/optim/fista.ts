import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { OptimOptions, SplittingState, StepParameters } from "./run_types.ts";
import { Splitting } from "./splitting.ts";

/** Options of {@link FISTA}. */
export interface FISTAOptions extends OptimOptions {
  /** Slows the momentum down, >= 2; default 3. */
  a?: number;
}

/**
 * The fast iterative shrinkage-thresholding algorithm (Beck and Teboulle, 2009; Chambolle and Dossal, 2015): a PGD step
 * from z, then momentum: x' = PGD(z), z <- x' + (k + a - 1) / (k + a) (x' - x), k = 0, 1, ... There is no relaxation.
 */
export class FISTA extends Splitting<SplittingState> {
  readonly #a: number;

  /**
   * Checks the options.
   *
   * @throws {InvalidArgumentError} for parameters out of range and schedules that are too short
   */
  constructor(options: FISTAOptions) {
    super(options);
    this.#a = options.a ?? 3;
    if (!(this.#a >= 2 && this.#a < Infinity)) {
      throw new InvalidArgumentError("build FISTA", "a", "finite and >= 2", String(this.#a));
    }
  }

  /** z = x */
  protected override async begin(x: Tensor): Promise<SplittingState> {
    return await Promise.resolve({ x, z: x.clone() });
  }

  /** One iteration: x, then z. */
  protected override async step(
    state: SplittingState,
    parameters: StepParameters,
  ): Promise<SplittingState> {
    const x = await this.forwardBackward(state.z, parameters);
    const { iteration: k } = parameters;
    using change = x.sub(state.x);
    return { x, z: x.addScaled(change, (k + this.#a - 1) / (k + this.#a)) };
  }
}
