/** safetensors files: `loadSafetensors` and `saveSafetensors`, around the pure codecs. */
import { locationName, readBytes, writeBytes } from "./files.ts";
import { decodeSafetensors, type SafetensorsEntry } from "./safetensors_decode.ts";
import { encodeSafetensors, type SafetensorsInput } from "./safetensors_encode.ts";

/**
 * Loads all tensors of a safetensors file as float32; see {@linkcode decodeSafetensors}.
 *
 * @param location a path or URL
 * @throws {FileError} if the file cannot be read
 * @throws {SafetensorsError} if it is not a valid safetensors file
 */
export async function loadSafetensors(location: string | URL): Promise<Map<string, SafetensorsEntry>> {
  return decodeSafetensors(await readBytes(location), locationName(location));
}

/**
 * Saves named tensors as a safetensors file; see {@linkcode encodeSafetensors}.
 *
 * @param path a path or `file:` URL, replaced if it exists
 * @throws {InvalidArgumentError} if a tensor cannot be encoded
 * @throws {FileError} if the file cannot be written
 */
export async function saveSafetensors(
  path: string | URL,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeBytes(path, encodeSafetensors(tensors, metadata));
}
