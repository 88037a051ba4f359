import { startsWith } from "./file_signature.ts";
import type { FloatArray } from "./float_array.ts";
import { decodeSafetensors } from "./safetensors_decode.ts";
import { decodeTorchStateDict } from "./torch_checkpoint.ts";

/**
 * Decodes a file of weights, whichever of the formats it is in by its content: safetensors, or a PyTorch checkpoint.
 *
 * @param bytes a whole file
 * @param path where they came from, for messages
 * @returns the tensors by key, as float32
 * @throws {SafetensorsError} if it is neither, or a damaged safetensors file
 * @throws {TorchCheckpointError} if it is a PyTorch checkpoint that cannot be read
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeStateDict, encodeSafetensors } from "@deepinv/distributed/io";
 *
 * const bytes = encodeSafetensors(
 *   new Map([["conv.weight", { shape: [1, 2], data: Float32Array.of(3, 4) }]]),
 * );
 * const state = decodeStateDict(bytes); // a .pth file would do as well
 * assert.deepEqual([...state.keys()], ["conv.weight"]);
 * assert.deepEqual(state.get("conv.weight")!.data, Float32Array.of(3, 4));
 * ```
 */
export function decodeStateDict(
  bytes: Uint8Array<ArrayBuffer>,
  path?: string,
): Map<string, FloatArray> {
  const isSafetensors = startsWith(bytes, "{", 8);
  const isTorch = startsWith(bytes, "PK") || startsWith(bytes, "\x80");
  return !isSafetensors && isTorch ? decodeTorchStateDict(bytes, path) : decodeSafetensors(bytes, path);
}
