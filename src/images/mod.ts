/**
 * Files and pictures: images, weights and arrays in and out, charts, and generated test pictures.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { colourScene, readImage, writeImage } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const x = colourScene({ size: 64 });
 * await writeImage(path, x);
 * assert.ok(await (await readImage(path)).sub(x).abs().max().item() < 1 / 255);
 * await Deno.remove(path);
 * ```
 *
 * @module
 */
export * from "../io/mod.ts";
export { readImage, writeImage } from "./image_file.ts";
export { colourScene, deadLeaves, type PhantomOptions, type PictureOptions, sheppLogan } from "./phantoms.ts";
export { plot, type PlotOptions } from "./plot.ts";
export { plotCurves } from "./plot_curves.ts";
