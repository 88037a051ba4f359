/**
 * The error raised at a public boundary for input that cannot be used.
 *
 * Its message reads "Cannot <action>: <argument> must be <requirement>, got <got>".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gaussianBlur, InvalidArgumentError } from "@deepinv/distributed";
 *
 * try {
 *   gaussianBlur({ sigma: -1 });
 * } catch (error) {
 *   assert.ok(error instanceof InvalidArgumentError);
 *   assert.equal(error.argument, "sigma");
 *   assert.equal(error.message, "Cannot make a Gaussian kernel: sigma must be finite and > 0, got -1");
 * }
 * ```
 */
export class InvalidArgumentError extends TypeError {
  /** `"InvalidArgumentError"`. */
  override readonly name = "InvalidArgumentError";

  /**
   * Says what was wrong with which argument.
   *
   * @param action what was being done, for example `"build Blur"`
   * @param argument which argument is at fault, for example `"filter"`
   * @param requirement what it must be, for example `"of shape (1|B, 1|C, h, w)"`
   * @param got what it is instead
   */
  constructor(
    readonly action: string,
    readonly argument: string,
    readonly requirement: string,
    readonly got: string,
  ) {
    super(`Cannot ${action}: ${argument} must be ${requirement}, got ${got}`);
  }
}

/** A shape as text, for messages: `(2, 3, 16, 16)`. */
export function formatShape(shape: readonly number[]): string {
  return `(${shape.join(", ")})`;
}
