import { FormatError } from "./format_error.ts";

/** Bytes that are not a PyTorch checkpoint of tensors, or one that asks for more than tensors and plain containers. */
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
