/** The parts of a line chart, each as SVG markup: legend, axes, curves. */
import type { ChartScale } from "./chart_scale.ts";
import { element, escapeXml, textWidth } from "./svg_text.ts";

/** One curve of a chart. */
export interface ChartSeries {
  /** Its name in the legend. */
  readonly name: string;
  /** One value for each step; a NaN or infinite value (or, on a logarithmic axis, one <= 0) leaves a gap. */
  readonly values: readonly number[];
  /** The vertical axis it belongs to, `"left"` by default. Curves of the right axis are dashed. */
  readonly axis?: "left" | "right";
}

/** A series and how it is drawn. */
export interface ChartCurve extends ChartSeries {
  readonly color: string;
  readonly dash: string;
}

/** Where the curves are, in pixels. */
export interface ChartFrame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Colours that the common kinds of colour blindness tell apart (Okabe and Ito, 2008). */
export const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333"];
/** The font and the colours of text. */
export const FONT =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";
export const INK = "#222222";
export const MUTED = "#5f6368";
const GRID = "#e6e8eb";
const AXIS = "#9aa0a6";
/** Font size of labels, and the margin around the chart, in pixels. */
export const SMALL = 12;
export const EDGE = 16;
/** Curves of up to this many values show each as a dot. */
const DOTTED = 40;

/** Names and samples of the curves in rows below `top`; `bottom` is where they end. */
export function drawLegend(
  curves: readonly ChartCurve[],
  width: number,
  top: number,
): { markup: string; bottom: number } {
  let [x, y] = [EDGE, top + 10];
  const entries = curves.map(({ name, color, dash }) => {
    const advance = 30 + textWidth(name, SMALL) + 22;
    if (x > EDGE && x + advance > width - EDGE) [x, y] = [EDGE, y + 18];
    const line = {
      x1: x,
      y1: y,
      x2: x + 24,
      y2: y,
      stroke: color,
      "stroke-width": 2.5,
      "stroke-dasharray": dash,
    };
    const entry = element("line", line) + drawText(name, x + 30, y + 4, { fill: INK });
    x += advance;
    return entry;
  });
  return { markup: entries.join("\n"), bottom: curves.length === 0 ? top : y + 8 };
}

/** Ticks and label of a vertical axis, with grid lines unless it is the right one; `none` draws the grid alone. */
export function drawVerticalAxis(
  scale: ChartScale | null,
  frame: ChartFrame,
  side: "left" | "right" | "none",
  label: string,
): string {
  const { left, right, top, bottom } = frame;
  const parts: string[] = [];
  for (const { value, label } of scale?.ticks ?? []) {
    const y = bottom - scale!.position(value) * (bottom - top);
    if (side !== "right") parts.push(element("line", { x1: left, y1: y, x2: right, y2: y, stroke: GRID }));
    if (side === "left") parts.push(drawText(label, left - 8, y + 4, { "text-anchor": "end" }));
    if (side === "right") parts.push(drawText(label, right + 8, y + 4, {}));
  }
  if (label !== "" && side !== "none") {
    const x = side === "left" ? left - labelWidth(scale) - 20 : right + labelWidth(scale) + 26;
    const y = (top + bottom) / 2;
    const turn = `rotate(-90 ${x.toFixed(1)} ${y.toFixed(1)})`;
    parts.push(drawText(label, x, y, { "text-anchor": "middle", fill: INK, transform: turn }));
  }
  return parts.join("\n");
}

/** The bottom axis with its ticks, vertical grid lines and label. */
export function drawHorizontalAxis(scale: ChartScale, frame: ChartFrame, label: string): string {
  const { left, right, top, bottom } = frame;
  const parts = scale.ticks.map(({ value, label }) => {
    const x = left + scale.position(value) * (right - left);
    return element("line", { x1: x, y1: top, x2: x, y2: bottom, stroke: GRID }) +
      drawText(label, x, bottom + 18, { "text-anchor": "middle" });
  });
  parts.push(element("line", { x1: left, y1: bottom, x2: right, y2: bottom, stroke: AXIS }));
  if (label !== "") {
    parts.push(drawText(label, (left + right) / 2, bottom + 38, { "text-anchor": "middle", fill: INK }));
  }
  return parts.join("\n");
}

/** A polyline broken where a value cannot be shown; a value between two gaps is a larger dot. */
export function drawCurve(
  curve: ChartCurve,
  xScale: ChartScale,
  yScale: ChartScale | null,
  xStart: number,
  { left, right, top, bottom }: ChartFrame,
): string {
  let [path, pen, dots] = ["", "M", ""];
  curve.values.forEach((value, i) => {
    const y = bottom - (yScale?.position(value) ?? NaN) * (bottom - top);
    if (!Number.isFinite(y)) {
      pen = "M";
      return;
    }
    const x = left + xScale.position(xStart + i) * (right - left);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    const alone = !isShown(yScale, curve.values[i - 1]) && !isShown(yScale, curve.values[i + 1]);
    if (alone || curve.values.length <= DOTTED) {
      dots += element("circle", { cx: x, cy: y, r: alone ? 3.5 : 2.5, fill: curve.color });
    }
  });
  if (path === "") return "";
  const line = { fill: "none", stroke: curve.color, "stroke-width": 2, "stroke-linejoin": "round" };
  return element("path", { d: path, ...line, "stroke-dasharray": curve.dash }) + dots;
}

function isShown(scale: ChartScale | null, value: number | undefined): boolean {
  return value !== undefined && scale !== null && Number.isFinite(scale.position(value));
}

/** About how wide the tick labels of a vertical axis are, in pixels. */
export function labelWidth(scale: ChartScale | null): number {
  return Math.max(8, ...(scale?.ticks ?? []).map(({ label }) => textWidth(label, SMALL)));
}

/** A text element at (x, y), its baseline. */
export function drawText(
  content: string,
  x: number,
  y: number,
  attributes: Record<string, string | number>,
): string {
  return element("text", { x, y, ...attributes }, escapeXml(content));
}
