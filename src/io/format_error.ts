/**
 * A file or a byte string that is not what its format demands: the common base of `PngError`,
 * `SafetensorsError` and `NpyError`.
 *
 * Its message reads "Cannot <action> <path>: <reason>".
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
