import { writePng } from "../io/png.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { drawText, TEXT_HEIGHT, textWidth } from "./pixel_text.ts";

/** Options of {@link plot}. */
export interface PlotOptions {
  /** Where the picture goes: a PNG file. */
  path: string | URL;
  /** One per tensor; a record's keys by default. */
  titles?: readonly string[];
  /** `"min_max"` (default) stretches every image to [0, 1]; `"clip"` cuts values outside [0, 1]. */
  rescale?: "min_max" | "clip";
  /** Most batch items of a tensor that are shown, one below the other; default 4. */
  maxImgs?: number;
}

const ACTION = "plot tensors";
/** Images smaller than this are enlarged by a whole factor. */
const LEGIBLE = 192;
const MARGIN = 8;

/** An image to be shown: planes of `channels` (1 or 3). */
interface Picture {
  readonly values: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Draws images side by side with their titles, as deepinv's `plot` does: a column per tensor, a row per batch item. Two
 * channels are shown as the magnitude of a complex image, volumes by their middle slice.
 *
 * @param tensors (B, C, H, W) or (B, C, D, H, W) each, C = 1, 2 or 3
 * @throws {InvalidArgumentError} for other shapes, no tensors, or another number of titles than of tensors
 * @throws {FileError} when the file cannot be written
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { deadLeaves, plot, readImage } from "@deepinv/distributed/io";
 * import { openDevice, setDefaultDevice } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const image = deadLeaves({ size: 64, seed: 1 });
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * await plot([image, image.square()], { titles: ["truth", "squared"], path });
 * // or: await plot({ truth: image, squared: image.square() }, { path, rescale: "clip" });
 * const [, channels, height, width] = (await readImage(path)).shape;
 * assert.ok(channels === 3 && width > 2 * 192 && height > 192); // small images are enlarged
 * await Deno.remove(path);
 * ```
 */
export async function plot(
  tensors: readonly Tensor[] | Readonly<Record<string, Tensor>>,
  options: PlotOptions,
): Promise<void> {
  const { path, rescale = "min_max", maxImgs = 4 } = options;
  const list: readonly Tensor[] = Array.isArray(tensors) ? tensors : Object.values(tensors);
  const titles = options.titles ?? (Array.isArray(tensors) ? [] : Object.keys(tensors));
  if (list.length === 0) throw new InvalidArgumentError(ACTION, "tensors", "one tensor at least", "none");
  if (titles.length > 0 && titles.length !== list.length) {
    throw new InvalidArgumentError(ACTION, "options.titles", `${list.length} titles`, `${titles.length}`);
  }
  if (!(Number.isInteger(maxImgs) && maxImgs >= 1)) {
    throw new InvalidArgumentError(ACTION, "options.maxImgs", "a whole number >= 1", `${maxImgs}`);
  }
  if (rescale !== "min_max" && rescale !== "clip") {
    throw new InvalidArgumentError(ACTION, "options.rescale", '"min_max" or "clip"', `${rescale}`);
  }
  if (!String(path).toLowerCase().endsWith(".png")) {
    throw new InvalidArgumentError(ACTION, "options.path", "the name of a .png file", String(path));
  }
  const columns = await Promise.all(list.map((tensor, i) => pictures(tensor, i, maxImgs, rescale)));
  await writePng(path, layOut(columns, titles));
}

/** The batch items of a tensor as pictures with values in [0, 1]. */
async function pictures(
  tensor: Tensor,
  index: number,
  most: number,
  rescale: "min_max" | "clip",
): Promise<Picture[]> {
  const { shape } = tensor;
  const [batch, channels] = shape;
  if ((shape.length !== 4 && shape.length !== 5) || !(channels >= 1 && channels <= 3) || tensor.numel === 0) {
    const wanted = "(B, C, H, W) or (B, C, D, H, W) with C = 1, 2 or 3, and not empty";
    throw new InvalidArgumentError(ACTION, `the shape of tensor ${index}`, wanted, formatShape(shape));
  }
  const [height, width] = shape.slice(-2);
  const depth = shape.length === 5 ? shape[2] : 1;
  const data = await tensor.data();
  const plane = height * width;
  const slice = (item: number, channel: number): Float32Array => {
    const start = ((item * channels + channel) * depth + (depth >> 1)) * plane;
    return data.subarray(start, start + plane);
  };
  return Array.from({ length: Math.min(batch, most) }, (_, item) => {
    const planes = Array.from({ length: channels }, (_, channel) => slice(item, channel));
    const shown = channels === 2 ? [planes[0].map((real, i) => Math.hypot(real, planes[1][i]))] : planes;
    const values = new Float32Array(shown.length * plane);
    shown.forEach((values_, channel) => values.set(values_, channel * plane));
    return { values: toUnitRange(values, rescale), channels: shown.length, height, width };
  });
}

/** NaN becomes 0; a constant image stretched is 0 too. */
function toUnitRange(values: Float32Array, rescale: "min_max" | "clip"): Float32Array {
  let [low, high] = [0, 1];
  if (rescale === "min_max") {
    [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const scale = high > low ? 1 / (high - low) : 0;
  return values.map((value) => Number.isNaN(value) ? 0 : Math.min(1, Math.max(0, (value - low) * scale)));
}

/** Everything on one white sheet. */
function layOut(columns: readonly Picture[][], titles: readonly string[]): {
  data: Float32Array<ArrayBuffer>;
  channels: 3;
  height: number;
  width: number;
} {
  const factor = ({ height, width }: Picture) => Math.max(1, Math.round(LEGIBLE / Math.max(height, width)));
  const all = columns.flat();
  const cellHeight = Math.max(...all.map((picture) => picture.height * factor(picture)));
  const cellWidth = Math.max(...all.map((picture) => picture.width * factor(picture)));
  const fits = titles.every((title) => 2 * textWidth(title) <= cellWidth);
  const letter = fits ? 2 : 1;
  const band = titles.length > 0 ? letter * TEXT_HEIGHT + MARGIN : 0;
  const rows = Math.max(...columns.map((column) => column.length));
  const height = MARGIN + band + rows * (cellHeight + MARGIN);
  const width = MARGIN + columns.length * (cellWidth + MARGIN);
  const data = new Float32Array(3 * height * width).fill(1);
  const put = (row: number, column: number, channel: number, value: number): void => {
    data[(channel * height + row) * width + column] = value;
  };
  columns.forEach((column, c) => {
    const left = MARGIN + c * (cellWidth + MARGIN);
    const most = Math.floor((cellWidth / letter + 1) / textWidth("xx") * 2);
    const title = (titles[c] ?? "").slice(0, Math.max(1, most));
    const indent = left + Math.max(0, (cellWidth - letter * textWidth(title)) >> 1);
    drawText(title, (row, at) => {
      for (let i = 0; i < letter * letter; i++) {
        const [y, x] = [MARGIN + row * letter + Math.floor(i / letter), indent + at * letter + i % letter];
        if (x < left + cellWidth) { for (let channel = 0; channel < 3; channel++) put(y, x, channel, 0.1); }
      }
    });
    column.forEach((picture, r) => {
      const zoom = factor(picture);
      const top = MARGIN + band + r * (cellHeight + MARGIN) + ((cellHeight - picture.height * zoom) >> 1);
      const start = left + ((cellWidth - picture.width * zoom) >> 1);
      const plane = picture.height * picture.width;
      for (let y = 0; y < picture.height * zoom; y++) {
        for (let x = 0; x < picture.width * zoom; x++) {
          const at = Math.floor(y / zoom) * picture.width + Math.floor(x / zoom);
          for (let channel = 0; channel < 3; channel++) {
            put(top + y, start + x, channel, picture.values[(channel % picture.channels) * plane + at]);
          }
        }
      }
    });
  });
  return { data, channels: 3, height, width };
}
