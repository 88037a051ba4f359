/**
 * Files and pictures: images, weights and arrays in and out, charts, and generated test pictures.
 *
 * @example
 * ```ts
 * import { colourScene, writeImage } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * await writeImage(path, colourScene({ size: 64 }));
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
