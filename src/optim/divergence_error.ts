/** Iterates that left the finite numbers. */
export class DivergenceError extends Error {
  /** `"DivergenceError"`. */
  override readonly name = "DivergenceError";

  /** Says which algorithm, and when. */
  constructor(
    /** The algorithm's name. */
    readonly algorithm: string,
    /** The iteration that produced the values, from 1. */
    readonly iteration: number,
  ) {
    super(
      `Cannot continue ${algorithm}: iteration ${iteration} produced values that are NaN or infinite; try a smaller stepsize`,
    );
  }
}
