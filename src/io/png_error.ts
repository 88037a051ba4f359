import { FormatError } from "./format_error.ts";

/**
 * Bytes that are not a PNG image that can be decoded: another format, damaged, truncated, or too large.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodePng, encodePng, PngError } from "@deepinv/distributed/io";
 *
 * const bytes = encodePng({ width: 8, height: 8, channels: 1, data: new Float32Array(64) });
 * assert.throws(() => decodePng(bytes, { maxPixels: 32 }), PngError); // too large
 * bytes[50] ^= 1; // damaged
 * assert.throws(() => decodePng(bytes, { path: "scan.png" }), /^PngError: Cannot decode PNG scan.png: /);
 * ```
 */
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
