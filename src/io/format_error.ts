/**
 * A file or a byte string that is not what its format demands: the common base of `PngError`,
 * `SafetensorsError` and `NpyError`.
 *
 * Its message reads "Cannot <action> <path>: <reason>".
 *
 * @example One test for every format
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeNpy, decodePng, decodeSafetensors, FormatError } from "@deepinv/distributed/io";
 *
 * const bytes = new TextEncoder().encode("<html>not found</html>"); // a server's answer for a lost file
 * for (const decode of [decodeNpy, decodePng, decodeSafetensors]) {
 *   assert.throws(() => decode(bytes), (error) => error instanceof FormatError && error.reason.length > 0);
 * }
 * ```
 */
export abstract class FormatError extends Error {
  /**
   * Says what could not be decoded, and why.
   *
   * @param action what was being done, for example `"decode PNG"`
   * @param reason what is wrong with the bytes
   * @param path the file they came from, where known
   */
  constructor(
    readonly action: string,
    readonly reason: string,
    readonly path?: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot ${action}${path === undefined ? "" : ` ${path}`}: ${reason}`, options);
  }
}
