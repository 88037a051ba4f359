/** safetensors files: `loadSafetensors` and `saveSafetensors`, around the pure codecs. */
import { locationName, readBytes, writeBytes } from "./files.ts";
import { decodeSafetensors, type SafetensorsEntry } from "./safetensors_decode.ts";
import { encodeSafetensors, type SafetensorsInput } from "./safetensors_encode.ts";

/**
 * Loads all tensors of a safetensors file as float32; see {@linkcode decodeSafetensors}.
 *
 * @param location a path or URL
 * @returns the tensors by name, in the order of their bytes
 * @throws {FileError} if the file cannot be read
 * @throws {SafetensorsError} if it is not a valid safetensors file
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodeSafetensors, loadSafetensors } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const weight = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4), dtype: "F16" } as const;
 * await Deno.writeFile(path, encodeSafetensors(new Map([["conv.weight", weight]])));
 * for (const [name, { shape, data, dtype }] of await loadSafetensors(path)) {
 *   const tensor = Tensor.from(data, shape); // float32, whatever the file has
 *   assert.deepEqual([name, dtype, await tensor.sum().item()], ["conv.weight", "F16", 10]);
 * }
 * await Deno.remove(path);
 * ```
 */
export async function loadSafetensors(location: string | URL): Promise<Map<string, SafetensorsEntry>> {
  return decodeSafetensors(await readBytes(location), locationName(location));
}

/**
 * Saves named tensors as a safetensors file; see {@linkcode encodeSafetensors}.
 *
 * @param path a path or `file:` URL, replaced if it exists
 * @param tensors values and shapes by name; `dtype` is `"F32"` by default
 * @param metadata strings to keep with them
 * @throws {InvalidArgumentError} if a tensor cannot be encoded
 * @throws {FileError} if the file cannot be written
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadSafetensors, saveSafetensors } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const x = Tensor.randn([2, 3], { seed: 1 });
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const tensors = new Map([["x", { shape: x.shape, data: await x.data() }]]);
 * await saveSafetensors(path, tensors, { iteration: "100" });
 * const saved = (await loadSafetensors(path)).get("x")!;
 * assert.deepEqual(saved.data, await x.data()); // bit by bit
 * await Deno.remove(path);
 * ```
 */
export async function saveSafetensors(
  path: string | URL,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeBytes(path, encodeSafetensors(tensors, metadata));
}
