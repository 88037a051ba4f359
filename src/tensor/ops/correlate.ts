import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { commonDevice, computedArray, type DeviceArray } from "../array.ts";

/**
 * Depthwise correlation without padding of x (B, C, H, W) with a filter (1|B, 1|C, h, w); with `flip` a true
 * convolution. The result is (B, C, H - h + 1, W - w + 1).
 *
 * @throws {InvalidArgumentError} when the filter's shape does not fit
 */
export function correlate(x: DeviceArray, filter: DeviceArray, flip: boolean): DeviceArray {
  const device = commonDevice("correlate", [x, filter]);
  const [batch, channels, height, width] = x.shape;
  const [filterBatch, filterChannels, filterHeight, filterWidth] = filter.shape;
  const fits = x.shape.length === 4 && filter.shape.length === 4 && filterHeight >= 1 && filterWidth >= 1 &&
    (filterBatch === 1 || filterBatch === batch) && (filterChannels === 1 || filterChannels === channels) &&
    filterHeight <= height && filterWidth <= width;
  if (!fits) {
    throw new InvalidArgumentError(
      "correlate",
      "the filter",
      `of shape (1|B, 1|C, h <= H, w <= W) for x of shape ${formatShape(x.shape)}`,
      formatShape(filter.shape),
    );
  }
  const shape = [batch, channels, height - filterHeight + 1, width - filterWidth + 1];
  const sizes = { batch, channels, height, width, filterBatch, filterChannels, filterHeight, filterWidth };
  return computedArray(device, shape, { kind: "correlate", ...sizes, flip }, [x, filter]);
}
