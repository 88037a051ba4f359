/**
 * Files in and out, as plain records of numbers: PNG pictures, safetensors weights, NumPy arrays, and line charts as SVG.
 * Nothing here knows tensors or devices.
 *
 * @example Write a picture, read it back
 * ```ts
 * import assert from "node:assert/strict";
 * import { readPng, writePng } from "@deepinv/distributed/io";
 *
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = Float32Array.of(0, 0.25, 0.5, 1); // planes of values in [0, 1]
 * await writePng(path, { width: 2, height: 2, channels: 1, data }, { bitDepth: 16 });
 * const picture = await readPng(path);
 * assert.ok(picture.data.every((value, i) => Math.abs(value - data[i]) < 1 / 65535));
 * await Deno.remove(path);
 * ```
 *
 * @module
 */
export { FileError, readBytes, writeBytes } from "./files.ts";
export type { FloatArray } from "./float_array.ts";
export { type FetchedFile, readFetched } from "./fetched_file.ts";
export { FormatError } from "./format_error.ts";
export { decodeNpy, encodeNpy, loadNpy, saveNpy } from "./npy.ts";
export { NpyError } from "./npy_header.ts";
export type { PlanarImage } from "./planar_image.ts";
export { readPng, writePng } from "./png.ts";
export { decodePng, type DecodePngOptions } from "./png_decode.ts";
export { encodePng, type EncodePngOptions } from "./png_encode.ts";
export { PngError } from "./png_error.ts";
export { loadSafetensors, saveSafetensors } from "./safetensors.ts";
export {
  decodeSafetensors,
  decodeSafetensorsMetadata,
  type SafetensorsDtype,
  type SafetensorsEntry,
  SafetensorsError,
} from "./safetensors_decode.ts";
export { encodeSafetensors, type SafetensorsInput } from "./safetensors_encode.ts";
export { decodeStateDict } from "./state_dict_file.ts";
export { type LineChartOptions, lineChartSvg } from "./svg_chart.ts";
export type { ChartSeries } from "./svg_chart_parts.ts";
export { decodeTorchStateDict, loadTorchStateDict, TorchCheckpointError } from "./torch_checkpoint.ts";
export type { TorchDtype, TorchEntry } from "./torch_tensors.ts";
