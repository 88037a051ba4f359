import { writeBytes } from "../io/files.ts";
import { type LineChartOptions, lineChartSvg } from "../io/svg_chart.ts";
import type { ChartSeries } from "../io/svg_chart_parts.ts";

/**
 * Draws curves over their positions as an SVG file.
 *
 * @param series names and values
 * @param options where the file goes; title, labels, a logarithmic left axis, sizes in pixels
 * @throws {InvalidArgumentError} when the chart is too small, or `xStart` negative or not a number
 * @throws {FileError} when the file cannot be written
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { plotCurves } from "@deepinv/distributed/io";
 *
 * const path = await Deno.makeTempFile({ suffix: ".svg" });
 * const series = [{ name: "PSNR", values: [18, 24, 27, 28] }, {
 *   name: "SSIM",
 *   values: [0.5, 0.7, 0.8, 0.82],
 * }];
 * await plotCurves(series, { title: "Convergence", xStart: 1, path });
 * assert.match(await Deno.readTextFile(path), /^<svg [^]*Convergence[^]*SSIM/);
 * await Deno.remove(path);
 * ```
 */
export async function plotCurves(
  series: ChartSeries[],
  options: LineChartOptions & { path: string | URL },
): Promise<void> {
  await writeBytes(options.path, new TextEncoder().encode(lineChartSvg(series, options)));
}
