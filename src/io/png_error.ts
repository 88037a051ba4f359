import { FormatError } from "./format_error.ts";

/** Bytes that are not a PNG image that can be decoded: another format, damaged, truncated, or too large. */
export class PngError extends FormatError {
  /** `"PngError"`. */
  override readonly name = "PngError";

  /**
   * Says that the bytes are not what the format demands.
   *
   * @param reason what is wrong
   * @param path the file, where known
   */
  constructor(reason: string, path?: string, options?: ErrorOptions) {
    super("decode PNG", reason, path, options);
  }
}
