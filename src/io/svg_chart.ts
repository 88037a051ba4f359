/** Line charts as SVG documents: how a reconstruction converges. */
import { InvalidArgumentError } from "../util/errors.ts";
import { type ChartScale, indexScale, linearScale, logScale, valueRange } from "./chart_scale.ts";
import {
  type ChartCurve,
  type ChartFrame,
  type ChartSeries,
  COLORS,
  drawCurve,
  drawHorizontalAxis,
  drawLegend,
  drawText,
  drawVerticalAxis,
  EDGE,
  FONT,
  INK,
  labelWidth,
  MUTED,
  SMALL,
} from "./svg_chart_parts.ts";
import { element } from "./svg_text.ts";

/** Options of {@linkcode lineChartSvg}. */
export interface LineChartOptions {
  /** Heading of the chart. */
  title?: string;
  /** What the horizontal axis counts, `"iteration"` by default. */
  xLabel?: string;
  /** What the left axis measures. */
  yLabel?: string;
  /** What the right axis measures. */
  yLabelRight?: string;
  /** Logarithmic left axis, false by default; the right axis is always linear. */
  logY?: boolean;
  /** The step of the first value, a whole number of at least 0, 0 by default. */
  xStart?: number;
  /** Pixels, 800 by default, at least 200. */
  width?: number;
  /** Pixels, 450 by default, at least 150; the chart is taller where its legend needs it. */
  height?: number;
}

/**
 * Draws curves over the number of steps.
 *
 * @param series the curves; none, or curves without a value to show, give a chart that says "no data"
 * @returns an SVG document
 * @throws {InvalidArgumentError} if the chart is too small, or `xStart` is negative or not a number
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { lineChartSvg } from "@deepinv/distributed/io";
 *
 * const svg = lineChartSvg([
 *   { name: "cost", values: [100, 10, 1, 0.1] },
 *   { name: "PSNR", values: [18, 24, 27, 28], axis: "right" },
 * ], { title: "Convergence", logY: true, yLabel: "cost", yLabelRight: "dB" });
 * assert.ok(svg.startsWith("<svg"));
 * assert.ok(svg.includes("Convergence") && svg.includes("PSNR"));
 * ```
 */
export function lineChartSvg(series: readonly ChartSeries[], options: LineChartOptions = {}): string {
  const { title = "", xLabel = "iteration", yLabel = "", yLabelRight = "", logY = false } = options;
  const { xStart = 0, width = 800, height: wantedHeight = 450 } = options;
  requireAtLeast("width", width, 200);
  requireAtLeast("height", wantedHeight, 150);
  requireAtLeast("xStart", xStart, 0);

  const curves = series.map((one, i): ChartCurve => ({
    ...one,
    color: COLORS[i % COLORS.length],
    dash: one.axis === "right" ? "7 4" : "none",
  }));
  const titleBottom = title === "" ? EDGE : EDGE + 22;
  const legend = drawLegend(curves, width, titleBottom);
  const height = Math.max(wantedHeight, legend.bottom + 130);
  const rows = Math.max(2, Math.floor((height - legend.bottom - 56) / 44));
  const leftScale = verticalScale(curves.filter((curve) => curve.axis !== "right"), logY, rows);
  const rightScale = verticalScale(curves.filter((curve) => curve.axis === "right"), false, rows);
  const frame: ChartFrame = {
    left: EDGE + labelWidth(leftScale) + 10 + (yLabel === "" || !leftScale ? 0 : 20),
    right: width - EDGE - (rightScale ? labelWidth(rightScale) + 10 + (yLabelRight === "" ? 0 : 20) : 8),
    top: legend.bottom + 10,
    bottom: height - EDGE - (xLabel === "" ? 0 : 20) - 20,
  };
  const steps = curves.reduce((most, curve) => Math.max(most, curve.values.length), 1);
  const xScale = indexScale(
    [xStart, xStart + steps - 1],
    Math.max(2, Math.floor((frame.right - frame.left) / 70)),
  );

  const body = [
    element("rect", { width, height, fill: "#ffffff" }),
    title === "" ? "" : drawText(title, EDGE, EDGE + 14, { "font-size": 16, "font-weight": 600, fill: INK }),
    legend.markup,
    drawVerticalAxis(leftScale ?? rightScale, frame, leftScale ? "left" : "none", yLabel),
    rightScale ? drawVerticalAxis(rightScale, frame, "right", yLabelRight) : "",
    drawHorizontalAxis(xScale, frame, xLabel),
    ...curves.map((curve) =>
      drawCurve(curve, xScale, curve.axis === "right" ? rightScale : leftScale, xStart, frame)
    ),
    leftScale || rightScale
      ? ""
      : drawText("no data", (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2, {
        "text-anchor": "middle",
        "font-size": 14,
      }),
  ];
  const root = { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` };
  const style = { "font-family": FONT, "font-size": SMALL, fill: MUTED };
  const content = element("g", style, body.filter((part) => part !== "").join("\n"));
  return element("svg", { ...root, role: "img", "aria-label": title || "line chart" }, `\n${content}\n`) +
    "\n";
}

function verticalScale(curves: readonly ChartCurve[], log: boolean, count: number): ChartScale | null {
  const range = valueRange(curves.flatMap(({ values }) => values), log);
  if (range === null) return null;
  return log ? logScale(range, count) : linearScale(range, count);
}

function requireAtLeast(argument: string, value: number, least: number): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new InvalidArgumentError(
    "draw chart",
    argument,
    `a finite number of at least ${least}`,
    String(value),
  );
}
