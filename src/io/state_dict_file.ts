import { startsWith } from "./file_signature.ts";
import type { FloatArray } from "./float_array.ts";
import { decodeSafetensors } from "./safetensors_decode.ts";
import { decodeTorchStateDict } from "./torch_checkpoint.ts";

/**
 * Decodes a file of weights, whichever of the formats it is in by its content: safetensors, or a PyTorch checkpoint.
 *
 * @param bytes a whole file
 * @param path where they came from, for messages
 * @throws {SafetensorsError} if it is neither, or a damaged safetensors file
 * @throws {TorchCheckpointError} if it is a PyTorch checkpoint that cannot be read
 */
export function decodeStateDict(
  bytes: Uint8Array<ArrayBuffer>,
  path?: string,
): Map<string, FloatArray> {
  const isSafetensors = startsWith(bytes, "{", 8);
  const isTorch = startsWith(bytes, "PK") || startsWith(bytes, "\x80");
  return !isSafetensors && isTorch ? decodeTorchStateDict(bytes, path) : decodeSafetensors(bytes, path);
}
