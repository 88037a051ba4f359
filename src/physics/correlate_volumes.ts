import { sumOver } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Depthwise correlation without padding of volumes, out[z, i, j] = sum_{t,u,v} h[t, u, v] x[z + t, i + u, j + v]: the sum
 * over the filter's planes of two-dimensional correlations. Filters along the depth alone, and of depth 1, are one pass.
 *
 * @param x (B, C, D, H, W)
 * @param filter (1|B, 1|C, d, h, w), no larger than x
 * @param flip a true convolution
 * @returns (B, C, D - d + 1, H - h + 1, W - w + 1)
 */
export async function correlateVolumes(x: Tensor, filter: Tensor, flip: boolean): Promise<Tensor> {
  const [batch, channels, depth, height, width] = x.shape;
  const [d, h, w] = filter.shape.slice(2);
  const shape = [batch, channels, depth - d + 1, height - h + 1, width - w + 1];
  const volumes = batch * channels;
  using perVolume = filter.shape[0] * filter.shape[1] === 1
    ? filter.reshape([1, 1, d, h, w])
    : volumesOf(filter, batch, channels);
  const filters = perVolume.shape[0];
  if (h === 1 && w === 1) {
    using columns = x.reshape([volumes, 1, depth, height * width]);
    using taps = perVolume.reshape([filters, 1, d, 1]);
    using out = columns.correlate(taps, { flip });
    return out.reshape(shape);
  }
  using planes = x.reshape([volumes, depth, height, width]);
  const partial = async (t: number): Promise<Tensor> => {
    const from = flip ? d - 1 - t : t;
    using part = d === 1 ? planes.clone() : planes.slice([null, [from, from + shape[2]]]);
    using cut = perVolume.slice([null, null, [t, t + 1]]);
    using taps = cut.reshape([filters, 1, h, w]);
    return await Promise.resolve(part.correlate(taps, { flip }));
  };
  using out = await sumOver(Array.from({ length: d }, (_, t) => t), partial);
  return out.reshape(shape);
}

/** Filters (1|B, 1|C, ...) repeated to one for every volume, (B C, 1, ...). */
function volumesOf(filter: Tensor, batch: number, channels: number): Tensor {
  const taps = filter.shape.slice(2);
  using all = filter.expand([batch, channels, ...taps]);
  return all.reshape([batch * channels, 1, ...taps]);
}
