import { writeBytes } from "../io/files.ts";
import { type LineChartOptions, lineChartSvg } from "../io/svg_chart.ts";
import type { ChartSeries } from "../io/svg_chart_parts.ts";

/**
 * Draws curves over their positions as an SVG file.
 *
 * @param series names and values; a logarithmic left axis, titles and sizes are options
 * @throws {FileError} when the file cannot be written
 */
export async function plotCurves(
  series: ChartSeries[],
  options: LineChartOptions & { path: string | URL },
): Promise<void> {
  await writeBytes(options.path, new TextEncoder().encode(lineChartSvg(series, options)));
}
