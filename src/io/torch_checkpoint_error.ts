import { FormatError } from "./format_error.ts";

/**
 * Bytes that are not a PyTorch checkpoint of tensors, or one that asks for more than tensors and plain containers.
 *
 * @example A file that would run a command is refused
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeTorchStateDict, TorchCheckpointError } from "@deepinv/distributed/io";
 *
 * const bytes = Uint8Array.fromBase64("gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9LmNvcwpzeXN0ZW0KKFgDAAAAbHN0Ui4=");
 * assert.throws(
 *   () => decodeTorchStateDict(bytes, "weights.pth"),
 *   (error) => error instanceof TorchCheckpointError && /os\.system/.test(error.reason),
 * );
 * ```
 */
export class TorchCheckpointError extends FormatError {
  /** `"TorchCheckpointError"`. */
  override readonly name = "TorchCheckpointError";

  /**
   * Says why the checkpoint is refused.
   *
   * @param reason what is wrong; the class or the opcode's name where one is refused
   * @param path the file, where known
   */
  constructor(reason: string, path?: string, options?: ErrorOptions) {
    super("decode PyTorch checkpoint", reason, path, options);
  }
}
