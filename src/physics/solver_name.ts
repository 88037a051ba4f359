import { InvalidArgumentError } from "../util/errors.ts";

/** A solver of linear systems, spelled as in deepinv; capitals do not matter where it is used. */
export type SolverName = "CG" | "lsqr" | "BiCGStab" | "minres";

/** All of them, for checks and messages. */
export const SOLVERS: readonly SolverName[] = ["CG", "lsqr", "BiCGStab", "minres"];

/**
 * A solver's name in its own spelling.
 *
 * @throws {InvalidArgumentError} for another name
 */
export function solverNamed(name: string): SolverName {
  const found = SOLVERS.find((solver) => solver.toLowerCase() === String(name).toLowerCase());
  if (found) return found;
  throw new InvalidArgumentError(
    "solve a linear system",
    "solver",
    `one of ${SOLVERS.join(", ")}`,
    `"${name}"`,
  );
}
